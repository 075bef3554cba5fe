namespace OrleansInference.Engine.Profiling;

/// <summary>Pure: with which settings a model should be served, by how fast it was.</summary>
/// <param name="Threads">For <c>Inference:ThreadsPerDevice</c>.</param>
/// <param name="MaxBatchSize">For <c>max_batch_size</c>.</param>
public sealed record ProfileSuggestion(int Threads, int MaxBatchSize)
{
    /// <summary>The share of the best throughput that is enough: the last few percent cost twice the latency, and are often noise.</summary>
    public const double Enough = 0.95;

    /// <summary>Of all that is fast enough the fewest threads, which leaves cores to the requests, and then the smallest batch.</summary>
    public static ProfileSuggestion Of(IReadOnlyList<ProfilePoint> points)
    {
        var enough = Enough * points.Max(point => point.RowsPerSecond);
        var best = points
            .Where(point => point.RowsPerSecond >= enough)
            .OrderBy(point => point.Threads)
            .ThenBy(point => point.BatchSize)
            .First();
        return new(best.Threads, best.BatchSize);
    }
}
