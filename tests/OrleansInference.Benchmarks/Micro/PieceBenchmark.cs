using BenchmarkDotNet.Attributes;

using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.Benchmarks.Micro;

/// <summary>The pieces that need nothing around them, one after the other. Public, and open to be derived from, because BenchmarkDotNet does.</summary>
public class PieceBenchmark
{
    private Func<Task> _run = () => Task.CompletedTask;

    /// <summary>What is measured, in this order.</summary>
    internal static IReadOnlyList<HotPiece> Pieces { get; set; } = [];

    public static IEnumerable<string> Names => Pieces.Select(piece => piece.Name);

    [ParamsSource(nameof(Names))]
    public string Piece { get; set; } = "";

    [GlobalSetup]
    public void SetUp() => _run = Pieces.Single(piece => piece.Name == Piece).Run;

    [Benchmark]
    public Task RunAsync() => _run();
}
