using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>The tables of one run, on the console and in files.</summary>
internal sealed class Report(
    IReadOnlyDictionary<Scenario, List<Measurement>> measured,
    IReadOnlyDictionary<BenchmarkModel, Limit> limits,
    IReadOnlyDictionary<Scenario, double> allocated,
    Overload? overload)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly Goals _goals = new(measured, limits, allocated, overload);

    public void Print(TextWriter to)
    {
        to.WriteLine($"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} processors, {measured.Values.First().Count} rounds");
        to.WriteLine();
        to.WriteLine($"{"",-36}{"req/s",10}{"p50 us",10}{"p99 us",10}{"p99.9 us",10}{"cpu s/1000",12}{"bytes/req",12}{"batch",8}{"failed",8}");
        foreach (var (scenario, rounds) in measured)
        {
            var median = Measurement.Median(rounds);
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{scenario,-36}{median.PerSecond,10:F0}{median.P50,10:F0}{median.P99,10:F0}{median.P999,10:F0}{median.ProcessorMilliseconds,12:F3}{Bytes(scenario),12}{(median.BatchSize > 0 ? $"{median.BatchSize:F1}" : ""),8}{median.Failed,8}"));
        }

        foreach (var (model, limit) in limits)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{$"{model.Name} forward alone, batch {limit.Batch}",-36}{limit.PerSecond,10:F0}{"",30}{1000 / limit.PerProcessorSecond,12:F3}"));
        }

        if (overload is not null)
        {
            to.WriteLine();
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"dense, capacity {overload.Capacity:F0} req/s"));
            foreach (var (name, load) in new[] { ("open loop at 0.9", overload.Below), ("open loop at 2.0", overload.Beyond) })
            {
                to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name,-36}{load.PerSecond,10:F0}{load.Percentile(0.5).TotalMicroseconds,10:F0}{load.Percentile(0.99).TotalMicroseconds,10:F0}  refused {load.Refused.Length} (p50 {load.RefusedPercentile(0.5).TotalMilliseconds:F1} ms, p99 {load.RefusedPercentile(0.99).TotalMilliseconds:F1} ms), failed {load.Failed}"));
            }
        }

        to.WriteLine();
        foreach (var goal in _goals.All) to.WriteLine($"{goal.Name,-76}{goal.Wanted,10}{goal.Measured,12}");
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var lines = measured.Select(pair => (Scenario: pair.Key, Median: Measurement.Median(pair.Value))).ToList();
        var csv = new StringBuilder("scenario,server,model,format,callers,per_second,p50_us,p99_us,p999_us,cpu_ms_per_request,bytes_per_request,mean_batch,failed\n");
        foreach (var (scenario, median) in lines)
        {
            csv.AppendLine(string.Create(CultureInfo.InvariantCulture,
                $"{scenario},{scenario.Server},{scenario.Model.Name},{scenario.Format},{scenario.Callers},{median.PerSecond:F1},{median.P50:F1},{median.P99:F1},{median.P999:F1},{median.ProcessorMilliseconds:F4},{Bytes(scenario)},{median.BatchSize:F2},{median.Failed}"));
        }

        File.WriteAllText(Path.Combine(folder, "compare.csv"), csv.ToString());
        File.WriteAllText(Path.Combine(folder, "compare.json"), JsonSerializer.Serialize(
            new
            {
                system = RuntimeInformation.OSDescription,
                runtime = RuntimeInformation.FrameworkDescription,
                processors = Environment.ProcessorCount,
                scenarios = measured.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value),
                limits = limits.ToDictionary(pair => pair.Key.Name, pair => pair.Value),
                bytes_per_request = allocated.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value),
                goals = _goals.All,
            },
            Indented));
        File.WriteAllText(Path.Combine(folder, "compare.svg"), Chart.Draw([.. lines.Select(line => (line.Scenario, line.Median.PerSecond))]));
        Console.WriteLine();
        Console.WriteLine($"compare.csv, compare.json and compare.svg are in {Path.GetFullPath(folder)}");
    }

    private string Bytes(Scenario scenario) =>
        allocated.TryGetValue(scenario, out var bytes) ? bytes.ToString("F0", CultureInfo.InvariantCulture) : "";
}
