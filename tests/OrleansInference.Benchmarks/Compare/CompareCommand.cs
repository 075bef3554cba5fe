using System.Globalization;

using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>Measures everything in one run: all scenarios side by side, round after round, so that a busy moment of the machine hits all.</summary>
internal static class CompareCommand
{
    private const int AllocationRequests = 5000;

    private const int AllocationCallers = 8;

    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(0.5);

    public static async Task RunAsync(double seconds, int rounds, string output, string? filter, string[] settings, CancellationToken cancellationToken)
    {
        var scenarios = Scenario.All.Where(scenario => filter is null || scenario.ToString().Contains(filter, StringComparison.OrdinalIgnoreCase)).ToList();
        Progress("starting the servers");
        await using var fleet = await Fleet.StartAsync(settings, scenarios.Select(scenario => scenario.Server).Append(Server.Ours).Distinct());
        var limits = await MeasureLimitsAsync(fleet, scenarios, seconds);
        var measured = scenarios.ToDictionary(scenario => scenario, _ => new List<Measurement>());
        foreach (var scenario in scenarios) await WarmUpAsync(scenario, fleet);
        for (var round = 1; round <= rounds; round++)
        {
            foreach (var scenario in scenarios)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Progress($"round {round} of {rounds}: {scenario}");
                measured[scenario].Add(await Measurement.TakeAsync(scenario, fleet, Warmup, TimeSpan.FromSeconds(seconds)));
            }
        }

        Progress("allocations");
        var allocated = await MeasureAllocationsAsync(fleet, scenarios);
        Progress("overload");
        var overload = filter is null ? await Overload.MeasureAsync(fleet, TimeSpan.FromSeconds(2 * seconds)) : null;
        Progress("");
        var report = new Report(measured, limits, allocated, overload);
        report.Print(Console.Out);
        report.Write(output);
    }

    private static void Progress(string what) => Console.Error.Write($"\r{what,-79}\r");

    /// <summary>Long enough for the runtime to compile what is hot, which it does in the background after some thousand calls.</summary>
    private static Task WarmUpAsync(Scenario scenario, Fleet fleet)
    {
        Progress($"warming up: {scenario}");
        return LoadGenerator.RunClosedAsync(scenario.Connect(fleet), scenario.Callers, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    private static async Task<Dictionary<BenchmarkModel, Limit>> MeasureLimitsAsync(Fleet fleet, List<Scenario> scenarios, double seconds)
    {
        var limits = new Dictionary<BenchmarkModel, Limit>();
        foreach (var model in new[] { BenchmarkModel.Mlp, BenchmarkModel.Conv }.Where(model => scenarios.Exists(scenario => scenario.Model == model)))
        {
            Progress($"forward passes of {model.Name} without a server");
            var printed = (await Fleet.RunSelfAsync("forward-loop", fleet.Repository, model.Name, Math.Min(seconds, 1).ToString(CultureInfo.InvariantCulture))).Split();
            var numbers = printed.Where(word => word.Length > 0).Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
            limits[model] = new((int)numbers[0], numbers[1], numbers[2]);
        }

        return limits;
    }

    /// <summary>The bytes that the servers' heaps grow by per request.</summary>
    private static async Task<Dictionary<Scenario, double>> MeasureAllocationsAsync(Fleet fleet, List<Scenario> scenarios)
    {
        var allocated = new Dictionary<Scenario, double>();
        foreach (var scenario in scenarios.Where(scenario => scenario.Callers == 8 && scenario.Model != BenchmarkModel.Conv))
        {
            Progress($"allocations: {scenario}");
            await using var meter = new AllocationMeter(fleet.ProcessId(scenario.Server));
            var before = await meter.ReadAsync();
            await LoadGenerator.RunCountAsync(scenario.Connect(fleet), AllocationCallers, AllocationRequests);
            var bytes = await meter.ReadAsync() - before;
            // The runtime's counter has been seen to stand still: no figure is better than a false one.
            if (bytes > 0) allocated[scenario] = (double)bytes / AllocationRequests;
        }

        return allocated;
    }
}

/// <summary>Limit A: what the runtime can do at best.</summary>
/// <param name="Batch">The batch size at which it does the most per processor second.</param>
/// <param name="PerSecond">Rows per second at that size.</param>
/// <param name="PerProcessorSecond">Rows per second of processor time.</param>
internal sealed record Limit(int Batch, double PerSecond, double PerProcessorSecond);
