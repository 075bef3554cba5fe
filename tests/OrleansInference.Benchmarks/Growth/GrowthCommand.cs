using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Growth;

/// <summary>Measures how cost grows with the number of models in one silo program, and with the number of devices that share its cores.</summary>
internal static class GrowthCommand
{
    public const int Callers = 64;

    /// <summary>Long enough for a program that has just started to have compiled what is hot.</summary>
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(
        int[] models, int[] devices, double seconds, string output, string[] settings, CancellationToken cancellationToken)
    {
        var results = new GrowthResults();
        var duration = TimeSpan.FromSeconds(seconds);
        foreach (var count in models.Order()) results.Models.Add(await MeasureModelsAsync(count, duration, settings, cancellationToken));
        foreach (var count in devices.Order()) results.Devices.AddRange(await MeasureDevicesAsync(count, duration, settings, cancellationToken));
        Progress("");
        results.Print(Console.Out);
        results.Write(output);
    }

    private static async Task<ModelGrowth> MeasureModelsAsync(int count, TimeSpan duration, string[] settings, CancellationToken cancellationToken)
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            var names = WriteCopies(repository.FullName, count);
            await using var silo = await StartAsync(repository.FullName, 1, $"{count} models", settings, cancellationToken);
            var resident = silo.ResidentMemory / (1024.0 * 1024);
            Progress($"{count} models: all callers ask one");
            var one = MakeRequest(BenchmarkModel.Identity, names[0]);
            var rate = await MeasureAsync(silo, () => HttpConnection.OpenAsync(silo.HttpPort, one), Callers, duration);
            cancellationToken.ThrowIfCancellationRequested();
            Progress($"{count} models: callers take turns");
            var requests = names.Select(name => MakeRequest(BenchmarkModel.Identity, name)).ToList();
            var caller = 0;
            var spread = await MeasureAsync(silo, () => TurnsConnection.OpenAsync(silo.HttpPort, Share(requests, caller++)), Callers, duration);
            return new(count, silo.StartTime.TotalSeconds, resident, rate, spread);
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    private static async Task<List<DeviceGrowth>> MeasureDevicesAsync(
        int count, TimeSpan duration, string[] settings, CancellationToken cancellationToken)
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            (BenchmarkModel Model, int Callers)[] loads = [(BenchmarkModel.Mlp, Callers), (BenchmarkModel.Conv, BenchmarkModel.Conv.MaxBatchSize)];
            foreach (var (model, _) in loads) model.Write(repository.FullName);
            await using var silo = await StartAsync(repository.FullName, count, $"{count} devices", settings, cancellationToken);
            var rows = new List<DeviceGrowth>();
            foreach (var (model, callers) in loads)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Progress($"{count} devices: {model.Name}");
                var request = MakeRequest(model, model.Name);
                rows.Add(new(count, model.Name, callers, await MeasureAsync(silo, () => HttpConnection.OpenAsync(silo.HttpPort, request), callers, duration)));
            }

            return rows;
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    private static Task<GrownSilo> StartAsync(
        string repository, int devices, string what, string[] settings, CancellationToken cancellationToken) =>
        GrownSilo.StartAsync(repository, devices, settings, seconds => Progress($"{what}: starting, {seconds} s"), cancellationToken);

    private static async Task<Rate> MeasureAsync(GrownSilo silo, Func<Task<IConnection>> connect, int callers, TimeSpan duration)
    {
        TimeSpan processor = default, spent = default;
        var result = await LoadGenerator.RunClosedAsync(connect, callers, Warmup, duration, begins =>
        {
            if (begins) processor = silo.ProcessorTime;
            else spent = silo.ProcessorTime - processor;
        });
        return new(
            result.PerSecond,
            result.Percentile(0.5).TotalMicroseconds,
            spent.TotalMicroseconds / Math.Max(1, result.Answered.Length),
            result.Failed + result.Refused.Length);
    }

    /// <summary>Copies: an archive that is written again has other times in it, and would be another archive.</summary>
    private static List<string> WriteCopies(string repository, int count)
    {
        var original = BenchmarkModel.Identity;
        original.Write(repository);
        var names = new List<string> { original.Name };
        for (var number = 1; number < count; number++)
        {
            var copy = original with { Name = string.Create(CultureInfo.InvariantCulture, $"{original.Name}{number}") };
            Directory.CreateDirectory(Path.GetDirectoryName(copy.FileIn(repository))!);
            File.Copy(original.FileIn(repository), copy.FileIn(repository));
            File.Copy(Path.Combine(repository, original.Name, "config.json"), Path.Combine(repository, copy.Name, "config.json"));
            names.Add(copy.Name);
        }

        return names;
    }

    /// <summary>Each caller has models of its own where there are enough of them, and shares one with others where there are not.</summary>
    private static IEnumerable<byte[]> Share(List<byte[]> requests, int caller)
    {
        for (var index = caller % requests.Count; index < requests.Count; index += Callers) yield return requests[index];
    }

    /// <summary>One row for a model, in binary.</summary>
    public static byte[] MakeRequest(BenchmarkModel model, string name)
    {
        var data = MemoryMarshal.AsBytes(model.MakeInput().AsSpan());
        var json = Encoding.UTF8.GetBytes(
            $$$"""{"inputs":[{"name":"{{{BenchmarkModel.Input}}}","datatype":"FP32","shape":[{{{string.Join(',', model.Shape)}}}],"parameters":{"binary_data_size":{{{data.Length}}}}}],"parameters":{"binary_data_output":true}}""");
        return HttpConnection.MakeRequest($"/v2/models/{name}/infer", [.. json, .. data], ("Inference-Header-Content-Length", $"{json.Length}"));
    }

    private static void Progress(string what) => Console.Error.Write($"\r{what,-79}\r");
}
