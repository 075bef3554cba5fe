using System.Diagnostics;
using System.Reflection;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>Something that every request does: the benchmark times it, and a test holds it to its budget.</summary>
/// <param name="Name">What it does.</param>
/// <param name="Budget">The bytes that it may allocate, of <see cref="AllocationBudgets"/>.</param>
/// <param name="Run">Does it once.</param>
internal sealed record HotPiece(string Name, int Budget, Func<Task> Run)
{
    public const string WhyNotMeasurable = "Without optimization every asynchronous method allocates.";

    private const int Rounds = 5;

    private const int RunsPerRound = 100;

    /// <summary>Whether this build is what budgets are meant for.</summary>
    public static bool IsMeasurable { get; } =
        typeof(HotPiece).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };

    /// <summary>The bytes that one run of a piece allocates that stays on the thread which it was begun on.</summary>
    public long MeasureOnThisThread()
    {
        var least = long.MaxValue;
        // The first round fills caches; the least counts, since code that has not been compiled for good yet may box more.
        for (var round = 0; round <= Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var run = 0; run < RunsPerRound; run++)
            {
                if (!Run().IsCompletedSuccessfully) throw new InvalidOperationException($"'{Name}' has not ended on the thread that began it.");
            }

            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / RunsPerRound);
        }

        return least;
    }

    /// <summary>The bytes that the process allocates per run, whatever else it does.</summary>
    public async Task<long> MeasureInProcessAsync()
    {
        var least = long.MaxValue;
        for (var round = 0; round <= Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var run = 0; run < RunsPerRound; run++) await Run();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / RunsPerRound);
        }

        return least;
    }

    public override string ToString() => Name;
}
