using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace OrleansInference.Benchmarks.Growth;

/// <param name="Models">How many models are loaded.</param>
/// <param name="ReadySeconds">From the start of the program until all were ready.</param>
/// <param name="ResidentMegabytes">What the process held then.</param>
/// <param name="One">All callers ask the same model.</param>
/// <param name="Spread">The callers take turns through all models.</param>
internal sealed record ModelGrowth(int Models, double ReadySeconds, double ResidentMegabytes, Rate One, Rate Spread);

/// <param name="Devices">How many devices share the cores.</param>
/// <param name="Model">What is asked of them.</param>
/// <param name="Callers">How many callers there are at once.</param>
/// <param name="Rate">What comes of it.</param>
internal sealed record DeviceGrowth(int Devices, string Model, int Callers, Rate Rate);

/// <param name="PerSecond">Answered requests.</param>
/// <param name="P50">Median latency, in microseconds.</param>
/// <param name="ProcessorMicroseconds">The silo's processor time per request.</param>
/// <param name="Failed">Requests that were not answered.</param>
internal sealed record Rate(double PerSecond, double P50, double ProcessorMicroseconds, int Failed);

/// <summary>The tables of one run, on the console and in files.</summary>
internal sealed class GrowthResults
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public List<ModelGrowth> Models { get; } = [];

    public List<DeviceGrowth> Devices { get; } = [];

    public void Print(TextWriter to)
    {
        to.WriteLine($"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} processors, {GrowthCommand.Callers} callers");
        to.WriteLine();
        to.WriteLine($"{"models",8}{"ready s",10}{"resident MB",13}{"KB/model",10}   {"one: req/s",10}{"p50 us",9}{"cpu us",8}   {"spread: req/s",13}{"p50 us",9}{"cpu us",8}{"failed",8}");
        foreach (var row in Models)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Models,8}{row.ReadySeconds,10:F1}{row.ResidentMegabytes,13:F0}{KilobytesPerModel(row),10:F0}   {row.One.PerSecond,10:F0}{row.One.P50,9:F0}{row.One.ProcessorMicroseconds,8:F0}   {row.Spread.PerSecond,13:F0}{row.Spread.P50,9:F0}{row.Spread.ProcessorMicroseconds,8:F0}{row.One.Failed + row.Spread.Failed,8}"));
        }

        to.WriteLine();
        to.WriteLine($"{"devices",8}{"model",8}{"callers",9}{"req/s",10}{"p50 us",10}{"cpu us",8}{"failed",8}");
        foreach (var row in Devices)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Devices,8}{row.Model,8}{row.Callers,9}{row.Rate.PerSecond,10:F0}{row.Rate.P50,10:F0}{row.Rate.ProcessorMicroseconds,8:F0}{row.Rate.Failed,8}"));
        }
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllLines(
            Path.Combine(folder, "growth-models.csv"),
            [
                "models,ready_s,resident_mb,kb_per_model,one_per_second,one_p50_us,one_cpu_us,spread_per_second,spread_p50_us,spread_cpu_us,failed",
                .. Models.Select(row => string.Create(CultureInfo.InvariantCulture,
                    $"{row.Models},{row.ReadySeconds:F2},{row.ResidentMegabytes:F1},{KilobytesPerModel(row):F1},{row.One.PerSecond:F1},{row.One.P50:F1},{row.One.ProcessorMicroseconds:F1},{row.Spread.PerSecond:F1},{row.Spread.P50:F1},{row.Spread.ProcessorMicroseconds:F1},{row.One.Failed + row.Spread.Failed}")),
            ]);
        File.WriteAllLines(
            Path.Combine(folder, "growth-devices.csv"),
            [
                "devices,model,callers,per_second,p50_us,cpu_us,failed",
                .. Devices.Select(row => string.Create(CultureInfo.InvariantCulture,
                    $"{row.Devices},{row.Model},{row.Callers},{row.Rate.PerSecond:F1},{row.Rate.P50:F1},{row.Rate.ProcessorMicroseconds:F1},{row.Rate.Failed}")),
            ]);
        File.WriteAllText(Path.Combine(folder, "growth.json"), JsonSerializer.Serialize(
            new
            {
                system = RuntimeInformation.OSDescription,
                runtime = RuntimeInformation.FrameworkDescription,
                processors = Environment.ProcessorCount,
                models = Models,
                devices = Devices,
            },
            Indented));
        Console.WriteLine();
        Console.WriteLine($"growth-models.csv, growth-devices.csv and growth.json are in {Path.GetFullPath(folder)}");
    }

    /// <summary>What each model after the fewest has added; nothing for the fewest.</summary>
    private double? KilobytesPerModel(ModelGrowth row) => row.Models == Models[0].Models
        ? null
        : 1024 * (row.ResidentMegabytes - Models[0].ResidentMegabytes) / (row.Models - Models[0].Models);
}
