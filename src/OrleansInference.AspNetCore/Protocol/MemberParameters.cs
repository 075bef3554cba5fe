using OrleansInference.Ensembles;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// What the parameters of an answer say of an ensemble's members: <c>member.x</c>, whether it <c>answered</c>, <c>failed</c>, was <c>late</c>
/// or <c>cancelled</c>; <c>member.x.milliseconds</c>; and <c>member.x.reason</c>, where its answer does not count.
/// </summary>
internal static class MemberParameters
{
    public static string ToName(MemberReport report) => $"member.{report.Member}";

    public static string ToDurationName(MemberReport report) => $"member.{report.Member}.milliseconds";

    public static string ToReasonName(MemberReport report) => $"member.{report.Member}.reason";

    public static string ToWord(MemberOutcome outcome) => outcome switch
    {
        MemberOutcome.Answered => "answered",
        MemberOutcome.Failed => "failed",
        MemberOutcome.Late => "late",
        _ => "cancelled",
    };

    public static double ToMilliseconds(MemberReport report) => Math.Round(report.Duration.TotalMilliseconds, 3);
}
