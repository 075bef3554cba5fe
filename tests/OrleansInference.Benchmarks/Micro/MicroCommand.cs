using System.Globalization;

using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.EventProcessors;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Csv;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

using OrleansInference.Benchmarks.Micro.Pieces;
using OrleansInference.Benchmarks.Models;

using Perfolizer.Horology;

namespace OrleansInference.Benchmarks.Micro;

/// <summary>Times the hot pieces by themselves, in this process, and sets what they allocate beside their budgets.</summary>
internal static class MicroCommand
{
    /// <summary>Gives back 784 numbers per row: what is left is the way into torch and out of it.</summary>
    private static readonly BenchmarkModel Echo = new("echo", [784], 784, 64);

    public static async Task RunAsync(string output, string? filter)
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            Echo.Write(repository.FullName);
            await using var engine = new EnginePieces(Path.Combine(repository.FullName, Echo.Name));
            await engine.HeldAsync();
            PieceBenchmark.Pieces = [.. ProtocolPieces.All.Concat(engine.All).Concat(SerializerPieces.All).Where(piece => IsWanted(piece.Name))];
            var classes = new List<Type>();
            if (PieceBenchmark.Pieces.Count > 0) classes.Add(typeof(PieceBenchmark));
            if (IsWanted(GrainPieces.CallName)) classes.Add(typeof(GrainCallBenchmark));
            if (classes.Count == 0) throw new ArgumentException($"no piece contains the text '{filter}'", nameof(filter));
            var reports = BenchmarkRunner.Run([.. classes], Configure(output)).SelectMany(summary => summary.Reports).ToList();
            Progress("");
            Print(reports);
            Console.WriteLine();
            Console.WriteLine($"BenchmarkDotNet's own reports are in {Path.GetFullPath(output)}");
        }
        finally
        {
            repository.Delete(recursive: true);
        }

        bool IsWanted(string name) => filter is null || name.Contains(filter, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>In this process, since a generated project would be built by this repository's rules; and short.</summary>
    private static ManualConfig Configure(string output) => ManualConfig.CreateEmpty()
        .AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(5)
            .WithIterationCount(10)
            .WithIterationTime(TimeInterval.FromMilliseconds(200)))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddExporter(CsvExporter.Default, MarkdownExporter.GitHub)
        .AddLogger(NullLogger.Instance)
        .AddEventProcessor(new ProgressReporter())
        .WithArtifactsPath(Path.GetFullPath(output));

    private static string NameOf(BenchmarkCase benchmark) =>
        benchmark.HasParameters ? (string)benchmark.Parameters[nameof(PieceBenchmark.Piece)] : benchmark.Descriptor.WorkloadMethodDisplayInfo.Trim('\'');

    private static void Print(List<BenchmarkReport> reports)
    {
        Console.WriteLine($"{"",-52}{"mean us",10}{"+- us",8}{"bytes",10}{"budget",10}");
        foreach (var piece in PieceBenchmark.Pieces) Print(piece.Name, piece.Budget);
        Print(GrainPieces.CallName, AllocationBudgets.CallModelGrain);

        void Print(string name, int budget)
        {
            if (reports.Find(report => NameOf(report.BenchmarkCase) == name) is not { } report) return;
            Console.WriteLine(report.ResultStatistics is { } times
                ? string.Create(CultureInfo.InvariantCulture, $"{name,-52}{times.Mean / 1000,10:F2}{times.StandardError / 1000,8:F2}{report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase),10}{budget,10}")
                : $"{name,-52}{"failed",10}");
        }
    }

    private static void Progress(string what) => Console.Error.Write($"\r{what,-79}\r");

    private sealed class ProgressReporter : EventProcessor
    {
        public override void OnStartRunBenchmark(BenchmarkCase benchmarkCase) => Progress(NameOf(benchmarkCase));
    }
}
