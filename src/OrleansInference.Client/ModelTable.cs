using System.Collections.Frozen;

namespace OrleansInference.Client;

/// <summary>A catalog snapshot, arranged for looking up.</summary>
internal sealed class ModelTable(CatalogSnapshot snapshot)
{
    private readonly FrozenDictionary<string, ModelEntry[]> _versions = snapshot.Models
        .GroupBy(entry => entry.Id.Name)
        .ToFrozenDictionary(group => group.Key, group => group.OrderByDescending(entry => entry.Id.Version).ToArray(), StringComparer.Ordinal);

    public CatalogRevision Revision => snapshot.Revision;

    public IReadOnlyList<ModelEntry> All => snapshot.Models;

    /// <summary>The versions of a model, the highest first.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public IReadOnlyList<ModelEntry> FindVersions(string model) =>
        _versions.TryGetValue(model, out var versions)
            ? versions
            : throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' is not found");

    /// <summary>A version, or the highest ready one, or the highest one where none is ready.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>.</exception>
    public ModelEntry Find(string model, int? version)
    {
        var versions = FindVersions(model);
        if (version is null) return versions.FirstOrDefault(entry => entry.State == ModelState.Ready) ?? versions[0];
        return versions.FirstOrDefault(entry => entry.Id.Version == version)
            ?? throw new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' version {version} is not found");
    }
}
