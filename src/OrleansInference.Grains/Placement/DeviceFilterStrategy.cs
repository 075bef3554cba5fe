using Orleans.Placement;

namespace OrleansInference.Grains.Placement;

/// <summary>Marks grains whose silo <see cref="DeviceFilterDirector"/> chooses.</summary>
public sealed class DeviceFilterStrategy : PlacementFilterStrategy
{
    public DeviceFilterStrategy()
        : base(0)
    {
    }
}
