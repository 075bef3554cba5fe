namespace OrleansInference.Ensembles;

/// <summary>What became of a request to one member of an ensemble.</summary>
/// <param name="Member">The member's name.</param>
/// <param name="Outcome">Whether its answer is part of the ensemble's.</param>
/// <param name="Reason">Why not, where it is not.</param>
/// <param name="Duration">How long it took, or was waited for.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.MemberReport")]
public sealed record MemberReport(
    [property: Id(0)] string Member,
    [property: Id(1)] MemberOutcome Outcome,
    [property: Id(2)] string Reason,
    [property: Id(3)] TimeSpan Duration);

/// <summary>What became of a request to a member. The values travel between processes: never renumber.</summary>
public enum MemberOutcome
{
    /// <summary>Its answer is part of the ensemble's.</summary>
    Answered = 0,

    /// <summary>It could not answer, or its answer has a NaN.</summary>
    Failed = 1,

    /// <summary>It had not answered when the ensemble's deadline passed.</summary>
    Late = 2,

    /// <summary>It was not needed any more: another one was faster, or the ensemble had failed.</summary>
    Cancelled = 3,
}
