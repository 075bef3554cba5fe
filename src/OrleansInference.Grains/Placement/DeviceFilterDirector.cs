using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;

namespace OrleansInference.Grains.Placement;

/// <summary>
/// Leaves of the candidates the silo that has the device at the end of the key in its metadata: at most one, since device names are
/// unique. Runs on the silo where a call enters, which may own no device at all.
/// </summary>
internal sealed class DeviceFilterDirector(ISiloMetadataCache metadata) : IPlacementFilterDirector
{
    /// <summary>The silo metadata that lists device names, separated by commas.</summary>
    public const string MetadataKey = "devices";

    public IEnumerable<SiloAddress> Filter(PlacementFilterStrategy filterStrategy, PlacementTarget target, IEnumerable<SiloAddress> silos)
    {
        // A device's name by itself, or behind that of a model.
        var key = target.GrainIdentity.Key.ToString()!;
        var device = key[(key.LastIndexOf('/') + 1)..];
        return silos.Where(silo =>
            metadata.GetSiloMetadata(silo).Metadata.TryGetValue(MetadataKey, out var devices) && devices.Split(',').Contains(device));
    }
}
