namespace OrleansInference;

/// <summary>What came of the copies of requests that a version got as a shadow, as the process that sent them has seen it.</summary>
/// <param name="Compared">Copies that it answered.</param>
/// <param name="Different">Those of them whose answer differed from the one that the caller got.</param>
/// <param name="Failed">Copies that it failed.</param>
/// <param name="Skipped">Copies that were not sent because too many were under way.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ShadowStatistics")]
public readonly record struct ShadowStatistics(
    [property: Id(0)] long Compared, [property: Id(1)] long Different, [property: Id(2)] long Failed, [property: Id(3)] long Skipped);
