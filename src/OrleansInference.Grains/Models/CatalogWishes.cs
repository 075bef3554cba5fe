namespace OrleansInference.Grains.Models;

/// <summary>What was asked of the catalog and must outlive it.</summary>
[GenerateSerializer, Alias("OrleansInference.CatalogWishes")]
internal sealed record CatalogWishes
{
    /// <summary>The names of the models that are to stay unloaded.</summary>
    [Id(0)]
    public HashSet<string> Unloaded { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The names of the models that were asked for, and are to be loaded though their silos would not do so by themselves.</summary>
    [Id(1)]
    public HashSet<string> Loaded { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Whether a model is to be loaded.</summary>
    public bool IsWanted(ModelPublication publication) =>
        !Unloaded.Contains(publication.Id.Name) && (publication.Trigger == LoadTrigger.Publication || Loaded.Contains(publication.Id.Name));

    /// <summary>The same with one wish more.</summary>
    public CatalogWishes With(string model, bool unloaded) => new()
    {
        Unloaded = unloaded ? [.. Unloaded, model] : [.. Unloaded.Where(name => name != model)],
        Loaded = unloaded ? [.. Loaded.Where(name => name != model)] : [.. Loaded, model],
    };
}
