namespace OrleansInference.Engine.Profiling;

/// <summary>How fast a model is with so many threads and rows.</summary>
/// <param name="Threads">The threads of one operation.</param>
/// <param name="BatchSize">The rows of a pass.</param>
/// <param name="P50">The median of the passes' times.</param>
/// <param name="P99">What 99 of 100 passes take at most.</param>
/// <param name="RowsPerSecond">The rows that passes, one behind the other, get done.</param>
public sealed record ProfilePoint(int Threads, int BatchSize, TimeSpan P50, TimeSpan P99, double RowsPerSecond)
{
    /// <param name="threads">The threads of one operation.</param>
    /// <param name="batchSize">The rows of a pass.</param>
    /// <param name="passes">How long each pass took, at least one.</param>
    /// <param name="total">How long they took together.</param>
    internal static ProfilePoint Of(int threads, int batchSize, List<TimeSpan> passes, TimeSpan total)
    {
        passes.Sort();
        return new(threads, batchSize, At(0.5), At(0.99), batchSize * passes.Count / total.TotalSeconds);

        // The smallest that so large a share does not exceed.
        TimeSpan At(double share) => passes[(int)Math.Ceiling(share * passes.Count) - 1];
    }
}
