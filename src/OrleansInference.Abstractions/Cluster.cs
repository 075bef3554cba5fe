namespace OrleansInference;

/// <summary>The silos of the cluster, with their devices and what is loaded there.</summary>
/// <param name="Silos">The silos by name.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ClusterSnapshot")]
public sealed record ClusterSnapshot([property: Id(0)] IReadOnlyList<SiloDescription> Silos);

/// <summary>A silo.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">Whether it takes models.</param>
/// <param name="Devices">Its devices, in their order.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.SiloDescription")]
public sealed record SiloDescription(
    [property: Id(0)] string Name, [property: Id(1)] SiloState State, [property: Id(2)] IReadOnlyList<DeviceStatus> Devices);

/// <summary>Whether a silo takes models. The values travel between processes: never renumber.</summary>
public enum SiloState
{
    /// <summary>It does.</summary>
    Active = 0,

    /// <summary>It answers for what it has until that is loaded elsewhere, and takes nothing more.</summary>
    Draining = 1,
}

/// <summary>A device.</summary>
/// <param name="Name">Its name, unique in the cluster.</param>
/// <param name="Kind"><c>cpu</c> or <c>cuda</c>.</param>
/// <param name="Memory">Its memory.</param>
/// <param name="Models">The instances on it.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.DeviceStatus")]
public sealed record DeviceStatus(
    [property: Id(0)] string Name,
    [property: Id(1)] string Kind,
    [property: Id(2)] DeviceMemoryStatus Memory,
    [property: Id(3)] IReadOnlyList<DeviceModel> Models);

/// <summary>A model version on a device.</summary>
/// <param name="Model">The model version.</param>
/// <param name="State">Its state there.</param>
/// <param name="QueueDepth">Requests that waited there when the silo reported last.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.DeviceModel")]
public readonly record struct DeviceModel([property: Id(0)] ModelId Model, [property: Id(1)] ModelState State, [property: Id(2)] int QueueDepth);
