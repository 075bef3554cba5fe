using BenchmarkDotNet.Attributes;

using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.Benchmarks.Micro;

/// <summary>A class of its own, since a silo that idles beside other pieces would allocate on their account.</summary>
public class GrainCallBenchmark
{
    private GrainPieces? _pieces;

    [GlobalSetup]
    public async Task SetUpAsync() => _pieces = await GrainPieces.StartAsync();

    [GlobalCleanup]
    public async Task CleanUpAsync() => await _pieces!.DisposeAsync();

    [Benchmark(Description = GrainPieces.CallName)]
    public Task RunAsync() => _pieces!.Call.Run();
}
