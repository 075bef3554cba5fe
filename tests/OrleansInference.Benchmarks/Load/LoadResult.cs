namespace OrleansInference.Benchmarks.Load;

/// <summary>What a load has seen.</summary>
/// <param name="Elapsed">From the first intended request to the last answer that counts.</param>
/// <param name="Answered">The latencies of requests that were answered, ascending.</param>
/// <param name="Refused">The latencies of those refused with 429, ascending.</param>
/// <param name="Failed">How many ended in any other way.</param>
internal sealed record LoadResult(TimeSpan Elapsed, TimeSpan[] Answered, TimeSpan[] Refused, int Failed)
{
    public double PerSecond => Answered.Length / Elapsed.TotalSeconds;

    /// <summary>The latency that the given share of the answered requests stayed within.</summary>
    public TimeSpan Percentile(double share) => At(Answered, share);

    /// <summary>The same of the refused ones.</summary>
    public TimeSpan RefusedPercentile(double share) => At(Refused, share);

    private static TimeSpan At(TimeSpan[] sorted, double share) =>
        sorted.Length == 0 ? TimeSpan.Zero : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
