using System.Globalization;

using OrleansInference.Benchmarks.Growth;
using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Soak;

/// <summary>Measures what the callers of one model notice of new versions of another: each is verified, loaded and warmed up on the same device.</summary>
internal static class SwapCommand
{
    private const int Callers = 16;

    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(double seconds, string[] settings, CancellationToken cancellationToken)
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            BenchmarkModel.Mlp.Write(repository.FullName);
            BenchmarkModel.Conv.Write(repository.FullName);
            await using var silo = await GrownSilo.StartAsync(repository.FullName, 1, settings, _ => { }, cancellationToken);
            var request = GrowthCommand.MakeRequest(BenchmarkModel.Mlp, BenchmarkModel.Mlp.Name);
            var duration = TimeSpan.FromSeconds(seconds);
            var quiet = await LoadGenerator.RunClosedAsync(() => HttpConnection.OpenAsync(silo.HttpPort, request), Callers, Warmup, duration);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var swaps = SwapAsync(BenchmarkModel.Conv.FileIn(repository.FullName), silo.HttpPort, ended.Token);
            var swapped = await LoadGenerator.RunClosedAsync(() => HttpConnection.OpenAsync(silo.HttpPort, request), Callers, Warmup, duration);
            await ended.CancelAsync();
            var count = await swaps;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"p50, p99 without swaps: {Ms(quiet, 0.5):F2}, {Ms(quiet, 0.99):F2} ms; failed: {quiet.Failed}"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"during {count} swaps of another model: {Ms(swapped, 0.5):F2}, {Ms(swapped, 0.99):F2} ms; failed: {swapped.Failed}"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"p99 during swaps over that without: {Ms(swapped, 0.99) / Ms(quiet, 0.99):F2} (goal: at most 2)"));
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    private static double Ms(LoadResult result, double share) => result.Percentile(share).TotalMilliseconds;

    /// <summary>Adds one version after the other, each when the one before is ready.</summary>
    /// <returns>How many became ready.</returns>
    private static async Task<int> SwapAsync(string file, int port, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        var archive = await File.ReadAllBytesAsync(file, CancellationToken.None);
        var model = Path.GetDirectoryName(Path.GetDirectoryName(file))!;
        for (var version = 2; ; version++)
        {
            var folder = Path.Combine(model, version.ToString(CultureInfo.InvariantCulture));
            Directory.CreateDirectory(folder);
            await File.WriteAllBytesAsync(Path.Combine(folder, Path.GetFileName(file)), archive, CancellationToken.None);
            // Without a file of its own it would be known to be sound, and not be verified.
            await File.WriteAllTextAsync(Path.Combine(folder, "version.txt"), folder, CancellationToken.None);
            while (!await IsReadyAsync(http, version))
            {
                if (cancellationToken.IsCancellationRequested) return version - 2;
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
            }
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, int version)
    {
        using var answer = await http.GetAsync($"/v2/models/{BenchmarkModel.Conv.Name}/versions/{version}/ready");
        return answer.IsSuccessStatusCode;
    }
}
