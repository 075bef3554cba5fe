using System.Globalization;

using OrleansInference.Benchmarks.Growth;
using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;
using OrleansInference.Tests.Shared;

namespace OrleansInference.Benchmarks.Soak;

/// <summary>Loads and unloads a model of each runtime again and again, then asks another one again and again, and sees whether the silo's memory grows.</summary>
internal static class SoakCommand
{
    /// <summary>More than so much beyond what it was after the first tenth is growth.</summary>
    private const double Limit = 1.05;

    private const int Parts = 10;

    private const int Callers = 64;

    private const string Onnx = "identity_onnx";

    /// <returns>The exit code: 0 where the memory has not grown.</returns>
    public static async Task<int> RunAsync(int cycles, int inferences, string[] settings, CancellationToken cancellationToken)
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            BenchmarkModel.Mlp.Write(repository.FullName);
            BenchmarkModel.Identity.Write(repository.FullName);
            OnnxFile.WriteIdentity(Path.Combine(repository.FullName, Onnx, "1", "model.onnx"), OnnxFile.Float, [-1, 1]);
            await using var silo = await GrownSilo.StartAsync(repository.FullName, 1, settings, _ => { }, cancellationToken);
            using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{silo.HttpPort}") };
            var onnx = await MeasureAsync("load/unload, ONNX", cycles, silo, count => ReloadAsync(http, Onnx, count, cancellationToken));
            var torch = await MeasureAsync("load/unload, TorchScript", cycles, silo, count => ReloadAsync(http, BenchmarkModel.Identity.Name, count, cancellationToken));
            var request = GrowthCommand.MakeRequest(BenchmarkModel.Mlp, BenchmarkModel.Mlp.Name);
            var calls = await MeasureAsync("inference", inferences, silo, async count =>
            {
                var left = count;
                await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
                {
                    await using var connection = await HttpConnection.OpenAsync(silo.HttpPort, request);
                    while (Interlocked.Decrement(ref left) >= 0)
                    {
                        if (await connection.SendAsync() != 200) throw new InvalidOperationException("A request has failed.");
                    }
                }));
            });
            return onnx && torch && calls ? 0 : 1;
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    /// <returns>Whether the memory was within the limit at the end.</returns>
    private static async Task<bool> MeasureAsync(string what, int count, GrownSilo silo, Func<int, Task> run)
    {
        var first = 0L;
        for (var part = 1; part <= Parts; part++)
        {
            await run((int)((long)count * part / Parts - (long)count * (part - 1) / Parts));
            var resident = silo.ResidentMemory;
            if (part == 1) first = resident;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-24} {(long)count * part / Parts,8}  {resident / 1048576.0,8:F1} MB  {(double)resident / first,6:P1} of that after the first tenth"));
        }

        return silo.ResidentMemory <= first * Limit;
    }

    private static async Task ReloadAsync(HttpClient http, string model, int count, CancellationToken cancellationToken)
    {
        for (var cycle = 0; cycle < count; cycle++)
        {
            foreach (var change in new[] { "unload", "load" })
            {
                using var answer = await http.PostAsJsonAsync($"/v2/repository/models/{model}/{change}", new { }, cancellationToken);
                answer.EnsureSuccessStatusCode();
            }
        }
    }
}
