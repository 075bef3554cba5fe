namespace OrleansInference.Ensembles;

/// <summary>What one member or step of an ensemble has done, as the process that asks it has seen it.</summary>
/// <param name="Member">The member's name.</param>
/// <param name="Model">The model behind it.</param>
/// <param name="Answered">Requests that it answered, and how long they took, with all their waiting.</param>
/// <param name="Failed">Requests that it failed.</param>
/// <param name="Late">Requests that it had not answered when the ensemble's deadline passed.</param>
/// <param name="Cancelled">Requests that were not waited for, because others had answered or failed.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.MemberStatistics")]
public sealed record MemberStatistics(
    [property: Id(0)] string Member,
    [property: Id(1)] string Model,
    [property: Id(2)] DurationStatistics Answered,
    [property: Id(3)] DurationStatistics Failed,
    [property: Id(4)] DurationStatistics Late,
    [property: Id(5)] DurationStatistics Cancelled);
