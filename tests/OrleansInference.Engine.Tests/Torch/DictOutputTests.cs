using System.IO.Compression;

using OrleansInference.Engine.Torch;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>Networks that return a dict, or tuples and lists within tuples.</summary>
[Collection("torch")]
public sealed class DictOutputTests : IDisposable
{
    private const string Dict =
        """
        def forward(self: __torch__.Identity,
            x: Tensor,
            factor: float=2.) -> Dict[str, Tensor]:
          d = {"once": x, "twice": torch.mul(x, factor), "it's \303\244 \"{}\" \\ key": torch.neg(x)}
          return d
        """;

    private readonly TorchRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Outputs_are_found_by_their_keys_in_the_configured_order()
    {
        _repository.Write(Dict);
        _repository.Configure("x FP32", "twice FP32;once FP32");

        Assert.Equal(["twice 6", "once 3"], Answer());
    }

    [Fact]
    public void A_key_may_have_any_characters()
    {
        _repository.Write(Dict);
        _repository.Configure("""{"input": [{"name": "x", "data_type": "TYPE_FP32"}], "output": [{"name": "it's ä \"{}\" \\ key", "data_type": "TYPE_FP32"}]}""");

        Assert.Equal(["it's ä \"{}\" \\ key -3"], Answer());
    }

    [Fact]
    public void A_key_that_is_missing_is_named_with_those_that_are_there()
    {
        _repository.Write(Dict);
        _repository.Configure("x FP32", "once FP32;thrice FP32");

        var failure = Assert.Throws<InferenceException>(Answer);

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
        Assert.StartsWith("model 'model' failed: forward returned a dict without 'thrice': its keys are [once, twice, it's", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_a_batch_and_arguments_that_are_numbers_go_with_a_dict()
    {
        _repository.Write(Dict);
        _repository.Configure("factor FP32 [1];x FP32 [1]", "twice FP32 [1]", maxBatchSize: 4);
        using var model = _repository.Load();
        InferenceTensor[] one = [InferenceTensor.Create("factor", new[] { 10f }, 1, 1), InferenceTensor.Create("x", new[] { 3f }, 1, 1)];
        InferenceTensor[] two = [InferenceTensor.Create("factor", new[] { 10f, 10 }, 2, 1), InferenceTensor.Create("x", new[] { 4f, 5 }, 2, 1)];

        var outputs = model.Run([one, two]).Outputs;

        Assert.Equal([[30f], [40f, 50]], outputs.Select(output => output[0].ToArray<float>()));
    }

    [Fact]
    public void An_archive_that_is_compressed_works_as_well()
    {
        _repository.Write(Dict);
        Repack(CompressionLevel.Optimal);
        _repository.Configure("x FP32", "twice FP32");

        Assert.Equal(["twice 6"], Answer());
    }

    [Fact]
    public void The_copy_is_an_archive_with_all_that_the_first_one_has()
    {
        _repository.Write(Dict, more: new() { ["extra/notes.txt"] = "a note" });
        var copy = Path.Combine(_repository.ModelFolder, "copy");

        DictOutputs.Write(_repository.ModelPath, copy, ["twice"]);

        using var file = File.OpenRead(copy);
        var directory = new ZipDirectory(file);
        using var original = ZipFile.OpenRead(_repository.ModelPath);
        Assert.Equal(original.Entries.Select(entry => entry.FullName).Order(), directory.Entries.Select(entry => entry.Name).Order());
        Assert.Equal("a note"u8.ToArray(), directory.Read(directory.Entries.Single(entry => entry.Name.EndsWith(".txt", StringComparison.Ordinal)), 100));
        Assert.Equal(TorchArchive.Read(_repository.ModelPath)!.Forward!.Takes, TorchArchive.Read(copy)!.Forward!.Takes);
        using var read = ZipFile.OpenRead(copy);
        Assert.Equal(directory.Entries.Count, read.Entries.Count);
    }

    [Fact]
    public void The_archive_stays_as_it_was_and_no_copy_stays_behind()
    {
        var key = Guid.NewGuid().ToString();
        _repository.Write(Dict.Replace("twice", key, StringComparison.Ordinal));
        _repository.Configure("x FP32", $"{key} FP32");
        var before = File.ReadAllBytes(_repository.ModelPath);

        _repository.Load().Dispose();

        Assert.Equal(before, File.ReadAllBytes(_repository.ModelPath));
        // Other tests and programs may have copies of their own there.
        Assert.DoesNotContain(Directory.GetDirectories(Path.GetTempPath(), "orleans-inference-*"), folder => Holds(Path.Combine(folder, "model.pt"), key));
    }

    [Theory]
    [InlineData("Tuple[Tensor, Tuple[Tensor, Tensor]]", "(x, (torch.mul(x, 2), torch.neg(x)))")]
    [InlineData("List[Tensor]", "[x, torch.mul(x, 2), torch.neg(x)]")]
    [InlineData("Tuple[List[Tensor], Tensor]", "([x, torch.mul(x, 2)], torch.neg(x))")]
    public void Tuples_and_lists_are_outputs_one_after_the_other(string type, string result)
    {
        _repository.Write($"def forward(self, x: Tensor) -> {type}:\n  return {result}");
        _repository.Configure("x FP32", "a FP32;b FP32;c FP32");

        Assert.Equal(["a 3", "b 6", "c -3"], Answer());
    }

    [Theory]
    [InlineData("Tuple[Tensor, int]", "(x, 1)", "forward returned a Scalar as output 1")]
    [InlineData("Tuple[Tensor, Optional[Tensor]]", "(x, None)", "forward returned None as output 1")]
    [InlineData("str", "\"x\"", "forward returned a string or the like")]
    [InlineData("Dict[int, Tensor]", "{1: x}", "forward returned a string or the like")]
    public void What_is_no_tensor_fails_with_what_it_is(string type, string result, string expected)
    {
        _repository.Write($"def forward(self, x: Tensor) -> {type}:\n  return {result}");
        _repository.Configure("x FP32", "a FP32;b FP32");

        Assert.Contains(expected, Assert.Throws<InferenceException>(Answer).Message, StringComparison.Ordinal);
    }

    private static bool Holds(string file, string key)
    {
        try
        {
            return File.ReadAllText(file).Contains(key, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private List<string> Answer() =>
        [.. _repository.Run(InferenceTensor.Create("x", new[] { 3f }, 1)).Select(output => $"{output.Name} {output.ToArray<float>()[0]}")];

    private void Repack(CompressionLevel level)
    {
        var packed = Path.Combine(_repository.ModelFolder, "packed");
        using (var source = ZipFile.OpenRead(_repository.ModelPath))
        using (var target = ZipFile.Open(packed, ZipArchiveMode.Create))
        {
            foreach (var entry in source.Entries)
            {
                using var from = entry.Open();
                using var to = target.CreateEntry(entry.FullName, level).Open();
                from.CopyTo(to);
            }
        }

        File.Move(packed, _repository.ModelPath, overwrite: true);
    }
}
