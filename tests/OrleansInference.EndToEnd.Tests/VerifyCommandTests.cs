using OrleansInference.EndToEnd.Tests.Models;

namespace OrleansInference.EndToEnd.Tests;

public sealed class VerifyCommandTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task Sound_repositories_are_listed_and_the_exit_code_is_0()
    {
        using var second = new TemporaryFolder();
        TestModels.AddLinear(_repository.Path, "triple", "3");
        TestModels.AddLinear(second.Path, "twice", "2", more: "\"metric_tags\": {\"team\": \"a\"}");
        TestModels.AddEnsemble(
            second.Path, "both", """ "ensemble": { "members": [ { "model_name": "triple" }, { "model_name": "twice" } ], "aggregate": "mean" } """);
        OnnxFile.WriteIdentity(Path.Combine(second.Path, "words", "4", "model.onnx"), OnnxFile.Text, [-1, 3]);

        using var program = ChildProgram.Start(ProgramFiles.Silo, "verify", _repository.Path, second.Path);

        Assert.Equal(0, await program.WaitAsync());
        Assert.Equal(
            """
            MODEL   VERSION  PLATFORM          INPUTS             OUTPUTS             STATE
            both          1  ensemble          INPUT0 FP32[-1,1]  OUTPUT0 FP32[-1,1]  sound
            triple        1  pytorch_libtorch  INPUT0 FP32[-1,1]  OUTPUT0 FP32[-1,1]  sound
            twice         1  pytorch_libtorch  INPUT0 FP32[-1,1]  OUTPUT0 FP32[-1,1]  sound
            words         4  onnxruntime_onnx  x BYTES[-1,3]      y BYTES[-1,3]       sound

            warnings:
              twice version 1: metric_tags: {"team":"a"} has no effect here

            models: 4, broken: 0, warnings: 1
            """,
            program.Output.TrimEnd());
    }

    [Fact]
    public async Task All_that_cannot_be_served_is_told_with_its_reasons_and_the_exit_code_is_1()
    {
        TestModels.AddLinear(_repository.Path, "triple", "3");
        TestModels.AddAborting(_repository.Path, "aborting");
        TestModels.AddFile(_repository.Path, "empty", []);
        TestModels.AddConfigured(_repository.Path, "misconfigured", """{ "max_batch_size": -7, "typo": 1 }""");
        _repository.Write("unreadable/config.pbtxt", "max_batch_size: 8\ninput [ { nam: \"x\" } ]");
        _repository.Write("unreadable/1/model.pt", "");
        _repository.Create("versionless");
        TestModels.AddEnsemble(
            _repository.Path,
            "unable",
            """ "ensemble": { "members": [ { "model_name": "triple" }, { "model_name": "nobody" }, { "model_name": "empty" } ], "aggregate": "mean" } """);
        TestModels.AddEnsemble(
            _repository.Path,
            "degraded",
            """ "ensemble": { "members": [ { "model_name": "triple" }, { "model_name": "nobody" } ], "aggregate": "mean", "require": "any" } """);

        using var program = ChildProgram.Start(ProgramFiles.Silo, "verify", _repository.Path);

        Assert.Equal(1, await program.WaitAsync());
        AssertReason(program, "aborting version 1", "no_such_operator");
        AssertReason(program, "empty version 1", "zip archive");
        AssertReason(program, "misconfigured version 1", "max_batch_size: -7", "typo: ", "input: ", "output: ");
        AssertReason(program, "unreadable version 1", "config.pbtxt:2:11: 'nam' is no field");
        AssertReason(program, "versionless", "no version");
        AssertReason(program, "unable version 1", "there is no model 'nobody'", "model 'empty' is not ready");
        AssertReason(program, "degraded version 1", "degraded: there is no model 'nobody'");
        Assert.Contains("models: 8, broken: 6, warnings: 1", program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_a_model_is_no_sound_repository()
    {
        using var program = ChildProgram.Start(ProgramFiles.Silo, "verify", _repository.Path);

        Assert.Equal(1, await program.WaitAsync());
        Assert.Equal($"there is no model in {_repository.Path}", program.Errors.TrimEnd());
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("verify", "/no/such/folder")]
    [InlineData("verify", "/", "--fast")]
    [InlineData("verfy")]
    [InlineData("bench")]
    [InlineData("bench", "digits", "--device", "gpu")]
    [InlineData("bench", "digits", "--seconds", "0")]
    [InlineData("bench", "digits", "--seconds", "61")]
    [InlineData("bench", "digits", "--threads", "0")]
    [InlineData("bench", "digits", "--shape", "image")]
    [InlineData("bench", "digits", "--shape", "image:1", "--shape", "image:2")]
    public async Task What_makes_no_sense_is_said_and_the_exit_code_is_2(params string[] arguments)
    {
        using var program = ChildProgram.Start(ProgramFiles.Silo, arguments);

        Assert.Equal(2, await program.WaitAsync());
        Assert.Contains("--help", program.Errors, StringComparison.Ordinal);
        Assert.Contains(arguments[^1], program.Errors, StringComparison.Ordinal);
        Assert.Empty(program.Output.Trim());
    }

    [Fact]
    public async Task Help_names_the_commands()
    {
        using var program = ChildProgram.Start(ProgramFiles.Silo, "--help");

        Assert.Equal(0, await program.WaitAsync());
        Assert.Contains("verify <folder>", program.Output, StringComparison.Ordinal);
        Assert.Contains("bench <model>", program.Output, StringComparison.Ordinal);
    }

    private static void AssertReason(ChildProgram program, string model, params string[] words)
    {
        var line = Assert.Single(program.Output.Split('\n'), line => line.StartsWith($"  {model}: ", StringComparison.Ordinal));
        foreach (var word in words) Assert.Contains(word, line, StringComparison.Ordinal);
    }
}
