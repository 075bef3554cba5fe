namespace OrleansInference;

/// <summary>Which versions of a model answer requests that name none.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.RoutingPolicy")]
public sealed record RoutingPolicy
{
    /// <summary>The versions that answer, each as often as its weight says; empty for the highest one that is ready.</summary>
    [Id(0)]
    public IReadOnlyList<WeightedVersion> Versions { get; init; } = [];

    /// <summary>A version that is asked as well, and whose answer nobody gets; null for none.</summary>
    [Id(1)]
    public ShadowVersion? Shadow { get; init; }

    /// <summary>
    /// The request parameter whose value is the <see cref="InferenceRequest.RoutingKey"/>; null where requests are not kept together.
    /// </summary>
    [Id(2)]
    public string? StickyParameter { get; init; }
}

/// <summary>A version and how often it answers.</summary>
/// <param name="Version">The version.</param>
/// <param name="Weight">Its share of the requests, in proportion to the other versions' weights; more than 0.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.WeightedVersion")]
public readonly record struct WeightedVersion([property: Id(0)] int Version, [property: Id(1)] double Weight);

/// <summary>A version that gets copies of requests, so that its answers can be compared before anyone relies on them.</summary>
/// <param name="Version">The version.</param>
/// <param name="Fraction">The share of requests that are copied, of 0 to 1.</param>
/// <param name="Tolerance">How far two numbers may lie apart, absolutely, and still be taken for equal.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ShadowVersion")]
public sealed record ShadowVersion([property: Id(0)] int Version, [property: Id(1)] double Fraction, [property: Id(2)] double Tolerance);
