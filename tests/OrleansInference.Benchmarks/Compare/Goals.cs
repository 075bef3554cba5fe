using System.Globalization;

using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>The figures that matter: ratios and differences within one round, and of those the median.</summary>
internal sealed class Goals
{
    private readonly IReadOnlyDictionary<Scenario, List<Measurement>> _measured;

    public Goals(
        IReadOnlyDictionary<Scenario, List<Measurement>> measured,
        IReadOnlyDictionary<BenchmarkModel, Limit> limits,
        IReadOnlyDictionary<Scenario, double> allocated,
        Overload? overload)
    {
        _measured = measured;
        Compare(
            "identity, binary, 1 caller: our p50 - the bare endpoint's, us", "<= 100",
            new(Server.Ours, BenchmarkModel.Identity, Format.Binary, 1), new(Server.Bare, BenchmarkModel.Identity, Format.Binary, 1),
            (ours, bare) => ours.P50 - bare.P50, "F0");
        Compare(
            "identity, binary, 64 callers: our requests/s over the bare endpoint's", ">= 0.75",
            new(Server.Ours, BenchmarkModel.Identity, Format.Binary, 64), new(Server.Bare, BenchmarkModel.Identity, Format.Binary, 64), Throughput);
        Compare(
            "mlp, JSON, 64 callers: our requests/s over the rival's", ">= 1.5",
            new(Server.Ours, BenchmarkModel.Mlp, Format.Json, 64), new(Server.Rival, BenchmarkModel.Mlp, Format.Json, 64), Throughput);
        Compare(
            "mlp, binary, 64 callers: our requests/s over the rival's (JSON)", ">= 2.5",
            new(Server.Ours, BenchmarkModel.Mlp, Format.Binary, 64), new(Server.Rival, BenchmarkModel.Mlp, Format.Json, 64), Throughput);
        Compare(
            "mlp, JSON, 1 caller: our p50 over the rival's", "<= 1.1",
            new(Server.Ours, BenchmarkModel.Mlp, Format.Json, 1), new(Server.Rival, BenchmarkModel.Mlp, Format.Json, 1),
            (ours, rival) => ours.P50 / rival.P50);
        if (limits.TryGetValue(BenchmarkModel.Conv, out var limit))
        {
            var conv = new Scenario(Server.Ours, BenchmarkModel.Conv, Format.Binary, 16);
            Compare(
                "conv, binary, 16 callers: inferences per processor second over forward alone", ">= 0.90", conv, conv,
                (ours, _) => 1000 / ours.ProcessorMilliseconds / limit.PerProcessorSecond);
        }

        Compare(
            "16 MB identity, binary, 1 caller: our bytes/s over the bare endpoint's", ">= 0.6",
            new(Server.Ours, BenchmarkModel.Large, Format.Binary, 1), new(Server.Bare, BenchmarkModel.Large, Format.Binary, 1), Throughput);
        Compare(
            "mlp, binary, 64 callers: requests/s of two processes over one", ">= 0.6",
            new(Server.OursApart, BenchmarkModel.Mlp, Format.Binary, 64), new(Server.Ours, BenchmarkModel.Mlp, Format.Binary, 64), Throughput);
        if (allocated.TryGetValue(new(Server.Ours, BenchmarkModel.Identity, Format.Binary, 8), out var bytes))
            Add("identity, binary: bytes allocated per request", "<= 4096", bytes, "F0");
        if (overload is not null)
        {
            Add("p99 of what is answered at 2 times the capacity over that at 0.9 of it", "<= 3", overload.Beyond.Percentile(0.99) / overload.Below.Percentile(0.99));
            Add("the time in which the rest is refused: p50, ms", "< 5", overload.Beyond.RefusedPercentile(0.5).TotalMilliseconds, "F1");
            Add("the same: p99, ms", "< 5", overload.Beyond.RefusedPercentile(0.99).TotalMilliseconds, "F1");
        }
    }

    public List<Goal> All { get; } = [];

    private static double Throughput(Measurement left, Measurement right) => left.PerSecond / right.PerSecond;

    private void Compare(string name, string wanted, Scenario left, Scenario right, Func<Measurement, Measurement, double> figure, string format = "F2")
    {
        if (!_measured.TryGetValue(left, out var lefts) || !_measured.TryGetValue(right, out var rights)) return;
        Add(name, wanted, Measurement.Median([.. lefts.Zip(rights, figure)], value => value), format);
    }

    private void Add(string name, string wanted, double measured, string format = "F2") =>
        All.Add(new(name, wanted, measured.ToString(format, CultureInfo.InvariantCulture)));
}

/// <param name="Name">What is measured.</param>
/// <param name="Wanted">What it should be.</param>
/// <param name="Measured">What it was.</param>
internal sealed record Goal(string Name, string Wanted, string Measured);
