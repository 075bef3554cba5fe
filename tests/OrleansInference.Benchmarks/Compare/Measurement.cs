using OrleansInference.Benchmarks.Load;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>What one scenario gave in one round.</summary>
/// <param name="PerSecond">Answered requests.</param>
/// <param name="P50">Median latency, in microseconds.</param>
/// <param name="P99">The latency of all but one in a hundred, in microseconds.</param>
/// <param name="P999">The latency of all but one in a thousand, in microseconds.</param>
/// <param name="ProcessorMilliseconds">The servers' processor time per request, in milliseconds, which is that of 1,000 in seconds.</param>
/// <param name="BatchSize">Mean rows in a forward pass; 0 where there are none.</param>
/// <param name="Failed">Requests that were not answered.</param>
internal sealed record Measurement(
    double PerSecond, double P50, double P99, double P999, double ProcessorMilliseconds, double BatchSize, int Failed)
{
    /// <summary>The median of each figure over the rounds.</summary>
    public static Measurement Median(IReadOnlyCollection<Measurement> rounds) => new(
        Median(rounds, round => round.PerSecond),
        Median(rounds, round => round.P50),
        Median(rounds, round => round.P99),
        Median(rounds, round => round.P999),
        Median(rounds, round => round.ProcessorMilliseconds),
        Median(rounds, round => round.BatchSize),
        rounds.Sum(round => round.Failed));

    public static double Median<T>(IReadOnlyCollection<T> rounds, Func<T, double> figure)
    {
        var sorted = rounds.Select(figure).Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    public static async Task<Measurement> TakeAsync(Scenario scenario, Fleet fleet, TimeSpan warmup, TimeSpan duration)
    {
        TimeSpan processor = default, spent = default;
        var (rows, passes) = await fleet.GetPassesAsync(scenario.Server, scenario.Model);
        var result = await LoadGenerator.RunClosedAsync(scenario.Connect(fleet), scenario.Callers, warmup, duration, begins =>
        {
            if (begins) processor = fleet.ProcessorTime(scenario.Server);
            else spent = fleet.ProcessorTime(scenario.Server) - processor;
        });
        var (rowsAfter, passesAfter) = await fleet.GetPassesAsync(scenario.Server, scenario.Model);
        return new(
            result.PerSecond,
            result.Percentile(0.5).TotalMicroseconds,
            result.Percentile(0.99).TotalMicroseconds,
            result.Percentile(0.999).TotalMicroseconds,
            spent.TotalMilliseconds / Math.Max(1, result.Answered.Length),
            passesAfter > passes ? (double)(rowsAfter - rows) / (passesAfter - passes) : 0,
            result.Failed + result.Refused.Length);
    }
}
