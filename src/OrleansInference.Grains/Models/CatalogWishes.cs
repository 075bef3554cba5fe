namespace OrleansInference.Grains.Models;

/// <summary>What was asked of the catalog and must outlive it.</summary>
[GenerateSerializer, Alias("OrleansInference.CatalogWishes")]
internal sealed record CatalogWishes
{
    /// <summary>The names of the models that are to stay unloaded.</summary>
    [Id(0)]
    public HashSet<string> Unloaded { get; init; } = new(StringComparer.Ordinal);
}
