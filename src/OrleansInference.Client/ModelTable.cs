using System.Collections.Frozen;

namespace OrleansInference.Client;

/// <summary>A catalog snapshot, arranged for looking up and calling.</summary>
internal sealed class ModelTable
{
    private readonly FrozenDictionary<string, PublishedModel[]> _versions;

    /// <param name="snapshot">The snapshot.</param>
    /// <param name="toReplica">What is called where an instance is asked.</param>
    public ModelTable(CatalogSnapshot snapshot, Func<ModelInstanceId, Replica> toReplica)
    {
        Revision = snapshot.Revision;
        All = snapshot.Models;
        _versions = snapshot.Models
            .GroupBy(entry => entry.Id.Name)
            .ToFrozenDictionary(
                group => group.Key,
                group => group.OrderByDescending(entry => entry.Id.Version).Select(ToPublished).ToArray(),
                StringComparer.Ordinal);

        PublishedModel ToPublished(ModelEntry entry) => new(
            entry, [.. entry.Instances.Where(instance => instance.State == ModelState.Ready).Select(instance => toReplica(instance.Id))]);
    }

    public CatalogRevision Revision { get; }

    public IReadOnlyList<ModelEntry> All { get; }

    /// <summary>The versions of a model, the highest first.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public IReadOnlyList<PublishedModel> FindVersions(string model) =>
        _versions.TryGetValue(model, out var versions)
            ? versions
            : throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' is not found");

    /// <summary>A version, or the highest ready one, or the highest one where none is ready.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public PublishedModel Find(string model, int? version)
    {
        var versions = FindVersions(model);
        for (var i = 0; i < versions.Count; i++)
        {
            var entry = versions[i].Entry;
            if (version is null ? entry.State == ModelState.Ready : entry.Id.Version == version) return versions[i];
        }

        if (version is null) return versions[0];
        throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' version {version} is not found");
    }
}

/// <summary>A model version and the instances of it that may be asked.</summary>
internal sealed record PublishedModel(ModelEntry Entry, IReadOnlyList<Replica> Ready);

/// <summary>An instance that may be asked, with what a call needs, so that none has to look it up.</summary>
/// <param name="Id">The instance.</param>
/// <param name="Grain">Its grain.</param>
/// <param name="Work">What this process has outstanding on its device.</param>
internal sealed record Replica(ModelInstanceId Id, IModelGrain Grain, OutstandingWork Work);
