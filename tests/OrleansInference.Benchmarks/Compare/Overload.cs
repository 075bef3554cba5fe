using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>What callers get when more is asked of a device than it can do, beside what they get when it is almost that much.</summary>
/// <param name="Capacity">Requests per second in a closed loop.</param>
/// <param name="Below">An open loop at 0.9 of it.</param>
/// <param name="Beyond">An open loop at 2 times it.</param>
internal sealed record Overload(double Capacity, LoadResult Below, LoadResult Beyond)
{
    private const int Callers = 256;

    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(1);

    public static async Task<Overload> MeasureAsync(Fleet fleet, TimeSpan duration)
    {
        var scenario = new Scenario(Server.Ours, BenchmarkModel.Dense, Format.Binary, Callers);
        var connect = scenario.Connect(fleet);
        // As many callers as one batch and one queue hold.
        var closed = await LoadGenerator.RunClosedAsync(connect, 2 * BenchmarkModel.Dense.MaxQueueSize, Warmup, duration);
        var below = await LoadGenerator.RunOpenAsync(connect, Callers, 0.9 * closed.PerSecond, Warmup, duration);
        var beyond = await LoadGenerator.RunOpenAsync(connect, Callers, 2 * closed.PerSecond, Warmup, duration);
        return new(closed.PerSecond, below, beyond);
    }
}
