namespace OrleansInference;

/// <summary>What one silo says of itself to the catalog. Each report replaces the one before.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.SiloReport")]
public sealed record SiloReport
{
    /// <summary>The silo's name, unique in the cluster.</summary>
    [Id(0)]
    public required string Silo { get; init; }

    /// <summary>The names of the silo's devices.</summary>
    [Id(1)]
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary>The model versions that the silo's repository publishes, broken ones too.</summary>
    [Id(2)]
    public required IReadOnlyList<ModelPublication> Models { get; init; }

    /// <summary>The model instances that live on the silo.</summary>
    [Id(3)]
    public required IReadOnlyList<ModelInstanceStatus> Instances { get; init; }

    /// <summary>The descriptions of what is loaded, which the repository may have changed since.</summary>
    [Id(4)]
    public IReadOnlyList<ModelDescriptor> Loaded { get; init; } = [];

    /// <summary>
    /// Whether the silo's devices have room for some of the models only, so that each is loaded by its first request and leaves for another
    /// one's sake, unless it is to have instances always (<see cref="ModelDescriptor.MinInstances"/>).
    /// </summary>
    [Id(5)]
    public bool LoadsOnDemand { get; init; }

    /// <summary>The process that reports: one of the same name may take its place.</summary>
    [Id(6)]
    public SiloAddress? Address { get; init; }

    /// <summary>Whether the silo is about to leave: what it has is to be loaded elsewhere, and answers here until then.</summary>
    [Id(7)]
    public bool IsDraining { get; init; }

    /// <summary>The memory of the devices, in their order.</summary>
    [Id(8)]
    public IReadOnlyList<DeviceMemoryStatus> Memory { get; init; } = [];

    /// <summary>How busy the instances are that are loaded.</summary>
    [Id(9)]
    public IReadOnlyList<InstanceLoad> Loads { get; init; } = [];
}

/// <summary>A device's memory, in bytes.</summary>
/// <param name="TotalBytes">What models may take; 0 where it is not known.</param>
/// <param name="UsedBytes">What they take, as they were measured.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.DeviceMemoryStatus")]
public readonly record struct DeviceMemoryStatus([property: Id(0)] long TotalBytes, [property: Id(1)] long UsedBytes);

/// <summary>How busy an instance is, and has been since it was loaded.</summary>
/// <param name="Id">The instance.</param>
/// <param name="QueueDepth">Requests that wait at this moment.</param>
/// <param name="Requests">Requests that it has answered.</param>
/// <param name="QueueNanoseconds">How long they have waited for the device, all together.</param>
/// <param name="TotalNanoseconds">How long they have taken, waiting included, all together.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.InstanceLoad")]
public readonly record struct InstanceLoad(
    [property: Id(0)] ModelInstanceId Id,
    [property: Id(1)] int QueueDepth,
    [property: Id(2)] long Requests,
    [property: Id(3)] long QueueNanoseconds,
    [property: Id(4)] long TotalNanoseconds);

/// <summary>When a silo loads a model that it publishes. The values travel between processes: never renumber.</summary>
public enum LoadTrigger
{
    /// <summary>As soon as it is there.</summary>
    Publication = 0,

    /// <summary>When someone has it loaded.</summary>
    Command = 1,
}

/// <summary>A model version that a repository publishes: its description, or why there is none.</summary>
/// <param name="Id">The model version; version 0 where the model has none.</param>
/// <param name="Descriptor">The description; null where the configuration is broken.</param>
/// <param name="Reason">Why the version cannot be served; empty where nothing speaks against it.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelPublication")]
public sealed record ModelPublication(
    [property: Id(0)] ModelId Id,
    [property: Id(1)] ModelDescriptor? Descriptor,
    [property: Id(2)] string Reason)
{
    /// <summary>Another one as soon as any of the version's files is; empty where there is nothing to load.</summary>
    [Id(3)]
    public string Revision { get; init; } = "";

    /// <summary>What is wrong in the model's folder, though the version can be served; empty where nothing is.</summary>
    [Id(4)]
    public string Notice { get; init; } = "";

    /// <summary>When the silo loads it.</summary>
    [Id(5)]
    public LoadTrigger Trigger { get; init; }
}

/// <summary>The state of one model version on one device.</summary>
/// <param name="Id">The instance.</param>
/// <param name="State">Whether it answers.</param>
/// <param name="Reason">Why not, where it does not.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelInstanceStatus")]
public sealed record ModelInstanceStatus(
    [property: Id(0)] ModelInstanceId Id,
    [property: Id(1)] ModelState State,
    [property: Id(2)] string Reason = "")
{
    /// <summary>The <see cref="ModelPublication.Revision"/> that was loaded last, or could not be loaded.</summary>
    [Id(3)]
    public string Revision { get; init; } = "";

    /// <summary>The SHA-256 of the files that are loaded; empty where none are.</summary>
    [Id(4)]
    public string Checksum { get; init; } = "";

    /// <summary>The bytes that it takes of its device's memory; 0 where it is not loaded.</summary>
    [Id(5)]
    public long MemoryBytes { get; init; }
}

/// <summary>A model version as the whole cluster sees it.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelEntry")]
public sealed record ModelEntry
{
    /// <summary>The model version; version 0 where the model has none.</summary>
    [Id(0)]
    public required ModelId Id { get; init; }

    /// <summary>The best state of its instances.</summary>
    [Id(1)]
    public required ModelState State { get; init; }

    /// <summary>Why it is not ready; empty where it is.</summary>
    [Id(2)]
    public required string Reason { get; init; }

    /// <summary>The description; null where the configuration is broken.</summary>
    [Id(3)]
    public required ModelDescriptor? Descriptor { get; init; }

    /// <summary>The instances, of all states.</summary>
    [Id(4)]
    public required IReadOnlyList<ModelInstanceStatus> Instances { get; init; }

    /// <summary>The SHA-256 of the files that its instances are loaded from; empty where none are loaded.</summary>
    public string Checksum => Instances.Select(instance => instance.Checksum).FirstOrDefault(checksum => checksum.Length > 0) ?? "";

    /// <summary>The description of a version that can answer.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with the reason.</exception>
    public ModelDescriptor GetReadyDescriptor()
    {
        if (State == ModelState.Ready) return Descriptor!;
        var version = Id.Version == 0 ? "" : $" version {Id.Version}";
        throw new InferenceException(InferenceError.NotReady, $"Request for model '{Id.Name}'{version} is not at ready state: {Reason}");
    }
}

/// <summary>Tells snapshots apart.</summary>
/// <param name="Incarnation">The life of the catalog grain that counts them; empty before there is one.</param>
/// <param name="Number">Counts up within that life.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.CatalogRevision")]
public readonly record struct CatalogRevision([property: Id(0)] string Incarnation, [property: Id(1)] long Number)
{
    /// <summary>Whether this is known to be no newer than another one; of two lives of the catalog none is newer.</summary>
    public bool IsNoNewerThan(CatalogRevision other) => Incarnation == other.Incarnation && Number <= other.Number;
}

/// <summary>All models of the cluster at one moment.</summary>
/// <param name="Revision">Which snapshot this is.</param>
/// <param name="Models">The model versions, by name and version.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.CatalogSnapshot")]
public sealed record CatalogSnapshot(
    [property: Id(0)] CatalogRevision Revision,
    [property: Id(1)] IReadOnlyList<ModelEntry> Models);
