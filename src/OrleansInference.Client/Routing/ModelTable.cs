using System.Collections.Frozen;

namespace OrleansInference.Client.Routing;

/// <summary>A catalog snapshot, arranged for looking up and calling.</summary>
internal sealed class ModelTable
{
    private readonly FrozenDictionary<string, VersionRouter> _models;

    /// <param name="snapshot">The snapshot.</param>
    /// <param name="toReplica">What is called where an instance is asked.</param>
    /// <param name="before">The table that this one takes the place of, whose records it goes on with.</param>
    /// <param name="now">The clock's timestamp.</param>
    public ModelTable(CatalogSnapshot snapshot, Func<ModelInstanceId, Replica> toReplica, ModelTable? before = null, long now = 0)
    {
        Revision = snapshot.Revision;
        All = snapshot.Models;
        _models = snapshot.Models
            .GroupBy(entry => entry.Id.Name)
            .ToFrozenDictionary(
                group => group.Key,
                group => new VersionRouter([.. group.OrderByDescending(entry => entry.Id.Version).Select(ToPublished)]),
                StringComparer.Ordinal);

        PublishedModel ToPublished(ModelEntry entry)
        {
            var known = before?.TryFind(entry.Id);
            // One that is loaded answers sooner than one that would have to be.
            var state = entry.Instances.Any(instance => instance.State == ModelState.Ready) ? ModelState.Ready : ModelState.OnDemand;
            var ready = entry.Instances
                .Where(instance => instance.State == state)
                .Select(instance => known?.Ready.FirstOrDefault(replica => replica.Id == instance.Id) ?? toReplica(instance.Id));
            var isSame = known is not null && known.Entry.Descriptor?.Configuration == entry.Descriptor?.Configuration;
            return new(entry, [.. ready], isSame ? known!.Record : new(entry.Descriptor))
            {
                LostSince = entry.State == ModelState.Ready ? null : known?.Entry.State == ModelState.Ready ? now : known?.LostSince,
            };
        }
    }

    public CatalogRevision Revision { get; }

    public IReadOnlyList<ModelEntry> All { get; }

    /// <summary>The versions of a model.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public VersionRouter FindVersions(string model) =>
        _models.TryGetValue(model, out var versions)
            ? versions
            : throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' is not found");

    /// <summary>A version, or the highest ready one, or the highest one where none is ready.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public PublishedModel Find(string model, int? version)
    {
        var versions = FindVersions(model);
        return version is { } number ? Find(versions, model, number) : versions.ChooseHighest();
    }

    /// <summary>The version that is to answer a request.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public (PublishedModel Model, VersionRouter Versions) Route(InferenceRequest request)
    {
        var versions = FindVersions(request.Model);
        return (request.Version is { } version ? Find(versions, request.Model, version) : versions.Choose(request), versions);
    }

    private PublishedModel? TryFind(ModelId id) => _models.TryGetValue(id.Name, out var versions) ? versions.Find(id.Version) : null;

    private static PublishedModel Find(VersionRouter versions, string model, int version) =>
        versions.Find(version)
        ?? throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' version {version} is not found");
}

/// <summary>A model version, the instances of it that may be asked, and what this process knows of its requests.</summary>
internal sealed record PublishedModel(ModelEntry Entry, IReadOnlyList<Replica> Ready, ModelRecord Record)
{
    /// <summary>Those of the instances that are on this process's own devices.</summary>
    public IReadOnlyList<Replica> Local { get; } = [.. Ready.Where(replica => replica.IsLocal)];

    /// <summary>Since when, by the clock's timestamps, it has not been ready any more; null where it is, or has not been yet.</summary>
    public long? LostSince { get; init; }

    public ModelSignature? Signature { get; } = Entry.Descriptor is { } descriptor ? new(descriptor) : null;
}
