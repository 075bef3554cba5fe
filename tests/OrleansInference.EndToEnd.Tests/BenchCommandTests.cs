using System.Text.RegularExpressions;

using OrleansInference.EndToEnd.Tests.Models;

namespace OrleansInference.EndToEnd.Tests;

public sealed class BenchCommandTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task A_model_is_measured_at_all_batch_sizes_and_threads_and_settings_are_suggested()
    {
        TestModels.AddLinear(_repository.Path, "triple", "3");

        using var program = Start("triple", "--threads", "1", "2");

        Assert.Equal(0, await program.WaitAsync());
        var lines = program.Output.Split('\n');
        Assert.Equal("triple version 1, pytorch_libtorch, on cpu:0, 0.001 s for each point", lines[0]);
        Assert.Equal(["THREADS", "ROWS", "P50", "ms", "P99", "ms", "ROWS/s"], Split(lines[2]));
        // More rows than the configuration admits, should it admit too few.
        Assert.Equal(
            from threads in new[] { "1", "2" } from rows in new[] { "1", "2", "4", "8", "16", "32", "64" } select (threads, rows),
            lines[3..17].Select(line => (Split(line)[0], Split(line)[1])));
        Assert.Matches("^suggested: Inference:ThreadsPerDevice=[12]$", lines[18]);
        Assert.Matches(@"^suggested: max_batch_size \d+ \(the configuration says 8\)$", lines[19]);
    }

    [Fact]
    public async Task Open_dimensions_are_given_and_a_model_without_batches_has_one_row()
    {
        OnnxFile.Write(
            Path.Combine(_repository.Path, "pair", "1", "model.onnx"),
            [new("x", OnnxFile.Float, [-1, 3])],
            [new("y", OnnxFile.Float, [-1, 3])],
            [new("Neg", ["x"], ["y"])]);
        _repository.Write("pair/config.json", """{ "max_batch_size": 0 }""");

        using var program = Start("pair", "--threads", "1", "--shape", "x:5,3");

        Assert.Equal(0, await program.WaitAsync());
        Assert.Single(program.Output.Split('\n'), line => Regex.IsMatch(line, @"^ +1 +1 +\d+\.\d{3} +\d+\.\d{3} +\d+$"));
        Assert.Contains("max_batch_size is 0", program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_that_takes_no_more_rows_than_it_is_configured_for_is_measured_with_those()
    {
        TestModels.AddLinear(_repository.Path, "narrow", "1");
        TorchScriptArchive.Write(Path.Combine(_repository.Path, "narrow", "1", "model.pt"), """
            def forward(self, INPUT0: Tensor) -> Tensor:
              if torch.gt(torch.size(INPUT0, 0), 8):
                ops.prim.RaiseException("too many rows", "builtins.ValueError")
              else:
                pass
              return INPUT0
            """);

        using var program = Start("narrow", "--threads", "1");

        Assert.Equal(0, await program.WaitAsync());
        Assert.Equal(["1", "2", "4", "8"], program.Output.Split('\n')[3..7].Select(line => Split(line)[1]));
        Assert.Contains("64 rows are not possible: ", program.Output, StringComparison.Ordinal);
        Assert.Contains("too many rows", program.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody", "there is no model 'nobody'; those of the repository are both, broken, triple")]
    [InlineData("both", "'both' is an ensemble, which has no network of its own; measure its models: 'triple'")]
    [InlineData("broken", "model 'broken' cannot be served: config.json: max_batch_size: -7 ")]
    [InlineData("triple", "shape of 'x': the network of 'triple' has no such input, but 'INPUT0'", "--shape", "x:1")]
    [InlineData("triple", "shape of 'INPUT0': [2] does not match [1]", "--shape", "INPUT0:2")]
    public async Task What_cannot_be_measured_is_told_and_the_exit_code_is_1(string model, string reason, params string[] options)
    {
        TestModels.AddLinear(_repository.Path, "triple", "3");
        TestModels.AddConfigured(_repository.Path, "broken", """{ "max_batch_size": -7 }""");
        TestModels.AddEnsemble(_repository.Path, "both", """ "ensemble": { "members": [ { "model_name": "triple" } ], "aggregate": "mean" } """);

        using var program = Start([model, .. options]);

        Assert.Equal(1, await program.WaitAsync());
        Assert.StartsWith(reason, program.Errors, StringComparison.Ordinal);
        Assert.Empty(program.Output.Trim());
    }

    private ChildProgram Start(params string[] arguments) =>
        ChildProgram.Start(ProgramFiles.Silo, ["bench", .. arguments, "--models", _repository.Path, "--seconds", "0.001"]);

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
