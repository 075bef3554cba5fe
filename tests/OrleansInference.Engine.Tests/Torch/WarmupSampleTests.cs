using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Tests.Onnx;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>What a configuration has run before a model is ready, and what that tells of its inputs.</summary>
public sealed class WarmupSampleTests : IDisposable
{
    private const string Sample = "\"name\": \"usual\", \"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"zero_data\": true}}";

    private readonly TorchRepository _repository = new();

    public WarmupSampleTests() => _repository.Write("def forward(self, x: Tensor) -> Tensor:\n  return x");

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Samples_are_run_in_place_of_zeros_as_often_as_they_say()
    {
        _repository.WriteFile("warmup/row.bin", "");
        File.WriteAllBytes(Path.Combine(_repository.ModelFolder, "warmup", "row.bin"), [0, 0, 128, 63, 0, 0, 0, 64]);
        Configure(
            "{\"batch_size\": 3, \"count\": 1, \"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"row.bin\"}}}",
            "{\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"zero_data\": true}}}",
            "{\"count\": 2, \"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"random_data\": true}}}");
        using var model = new RecordingModel();

        Assert.Null(Warmup.Run(model, _repository.Open()));

        Assert.Equal(["3: 1 2 1 2 1 2", "1: 0 0", "1: 0 0", "1: 0 0"], model.Passes[..4]);
        Assert.Equal(6, model.Passes.Count);
        Assert.Equal(model.Passes[4], model.Passes[5]);
        Assert.NotEqual("1: 0 0", model.Passes[4]);
    }

    [Fact]
    public void A_sample_on_which_the_model_fails_is_named()
    {
        Configure($"{{{Sample}}}");
        using var model = new RecordingModel { Fails = true };

        var failure = Assert.Throws<InferenceException>(() => Warmup.Run(model, _repository.Open()));

        Assert.Equal((InferenceError.NotReady, "model_warmup 'usual' failed: no zeros, please"), (failure.Error, failure.Message));
    }

    [Theory]
    [InlineData("\"batch_size\": 5", "model_warmup[0].batch_size: 5 is not an integer from 1 to 4")]
    [InlineData("\"count\": 1001", "model_warmup[0].count: 1001 is not an integer from 0 to 1000")]
    [InlineData("\"repeat\": 1", "model_warmup[0].repeat: unknown")]
    [InlineData("\"inputs\": {\"z\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"zero_data\": true}}", "model_warmup[0].inputs.z: the network has no such input")]
    [InlineData("\"inputs\": {\"z\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"zero_data\": true}}", "model_warmup[0].inputs: gives no 'x', which is an input of the network")]
    [InlineData("\"inputs\": {}", "model_warmup[0].inputs: is missing")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_INT8\", \"dims\": [2], \"zero_data\": true}}", "model_warmup[0].inputs.x.data_type: TYPE_INT8 is not the TYPE_FP32 of the input")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [3], \"zero_data\": true}}", "model_warmup[0].inputs.x.dims: [3] do not fit [2], those of the input")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [-1], \"zero_data\": true}}", "model_warmup[0].inputs.x.dims[0]: -1 is not an integer from 1")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2]}}", "model_warmup[0].inputs.x.zero_data: exactly one of zero_data, random_data and input_data_file")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"zero_data\": true, \"random_data\": true}}", "model_warmup[0].inputs.x.zero_data: exactly one of")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_STRING\", \"dims\": [2], \"random_data\": true}}", "model_warmup[0].inputs.x.random_data: is not possible for TYPE_STRING")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"../config.json\"}}", "model_warmup[0].inputs.x.input_data_file: '../config.json' is not a plain file name")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"..\"}}", "'..' is not a plain file name")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"none.bin\"}}", "there is no file 'none.bin' in the folder 'warmup' of the model")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"short.bin\"}}", "'short.bin' has 4 bytes, but [2] of TYPE_FP32 has 8")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"link.bin\"}}", "'link.bin' is a link, and may lead out of the folder 'warmup'")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [67108865], \"zero_data\": true}}", "model_warmup[0].inputs: 268435460 bytes in 1 rows are over the limit of 268435456")]
    [InlineData("\"batch_size\": 4, \"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [16777217], \"zero_data\": true}}", "model_warmup[0].inputs: 268435472 bytes in 4 rows are over the limit")]
    [InlineData("\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP64\", \"dims\": [2147483647, 2147483647, 4], \"zero_data\": true}}", "model_warmup[0].inputs: more bytes than can be counted in 1 rows")]
    public void What_is_wrong_with_a_sample_is_named(string field, string expected)
    {
        _repository.WriteFile("warmup/short.bin", "four");
        File.CreateSymbolicLink(Path.Combine(_repository.ModelFolder, "warmup", "link.bin"), Path.Combine(_repository.ModelFolder, "warmup", "short.bin"));
        Configure(field.Contains("\"inputs\"", StringComparison.Ordinal) ? $"{{{field}}}" : $"{{{field}, {Sample}}}");

        Assert.Contains(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void Sixty_four_samples_are_as_many_as_there_may_be()
    {
        Configure([.. Enumerable.Repeat($"{{{Sample}}}", 64)]);
        Assert.Equal(64, _repository.Open().Config.Warmup.Count);

        Configure([.. Enumerable.Repeat($"{{{Sample}}}", 65)]);
        Assert.Contains("model_warmup: 65 samples are over the limit of 64", _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_that_are_left_out_are_those_of_the_samples_in_the_order_of_the_arguments()
    {
        _repository.Write("def forward(self, tokens: Tensor, rate: int, mask: Tensor) -> Tensor:\n  return tokens");
        const string Rest = "\"mask\": {\"data_type\": \"TYPE_BOOL\", \"dims\": [3], \"zero_data\": true}, \"rate\": {\"data_type\": \"TYPE_INT64\", \"dims\": [1], \"zero_data\": true}";
        _repository.Configure($$"""
            {
              "output": [{"name": "y", "data_type": "TYPE_INT64"}],
              "model_warmup": [
                {"inputs": { {{Rest}}, "tokens": {"data_type": "TYPE_INT64", "dims": [1, 8], "random_data": true} } },
                {"inputs": { {{Rest}}, "tokens": {"data_type": "TYPE_INT64", "dims": [1, 16], "random_data": true} } }
              ]
            }
            """);

        var version = _repository.Open();

        Assert.Equal(
            ["tokens INT64[1,-1]", "rate INT64[1]", "mask BOOL[3]"],
            version.Network.Inputs.Select(input => $"{input.Name} {input.DataType.ToProtocolName()}{TensorShape.Format(input.Shape)}"));
        Assert.Contains("\"input\":[{\"name\":\"tokens\",\"data_type\":\"TYPE_INT64\",\"dims\":[1,-1]}", version.Config.Json, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_of_several_ranks_leave_the_shape_open()
    {
        _repository.Configure("""
            {
              "output": [{"name": "y", "data_type": "TYPE_FP32"}],
              "model_warmup": [
                {"inputs": {"x": {"data_type": "TYPE_FP32", "dims": [2], "zero_data": true} } },
                {"inputs": {"x": {"data_type": "TYPE_FP32", "dims": [2, 2], "zero_data": true} } }
              ]
            }
            """);

        Assert.True(Assert.Single(_repository.Open().Network.Inputs).AnyRank);
    }

    [Theory]
    [InlineData("{\"inputs\": 1}")]
    [InlineData("1")]
    [InlineData("{\"inputs\": {\"x\": {\"dims\": [\"a\"]}}}")]
    public void Samples_that_make_no_sense_teach_nothing(string sample)
    {
        _repository.Configure($$"""{"output": [{"name": "y", "data_type": "TYPE_FP32"}], "model_warmup": [{{sample}}]}""");

        var fault = _repository.FindFault();

        Assert.Contains("model_warmup[0]", fault, StringComparison.Ordinal);
        Assert.Contains("input: a model needs at least one input", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_sample_that_changes_makes_another_version_of_the_model()
    {
        _repository.WriteFile("warmup/row.bin", "12345678");
        Configure("{\"inputs\": {\"x\": {\"data_type\": \"TYPE_FP32\", \"dims\": [2], \"input_data_file\": \"row.bin\"}}}");
        var before = _repository.Open();
        Assert.Equal(before.Revision, _repository.Open().Revision);

        var file = _repository.WriteFile("warmup/row.bin", "87654321");
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);

        Assert.NotEqual(before.Revision, _repository.Open().Revision);
    }

    [Fact]
    public void Strings_of_a_sample_go_to_a_network_of_ONNX()
    {
        using var onnx = new OnnxRepository();
        OnnxFile.WriteIdentity(onnx.ModelPath, OnnxFile.Text, [-1, 2]);
        Directory.CreateDirectory(Path.Combine(onnx.ModelFolder, "warmup"));
        File.WriteAllBytes(Path.Combine(onnx.ModelFolder, "warmup", "words.bin"), BytesElements.Encode(["one"u8.ToArray(), "two"u8.ToArray()]));
        onnx.Configure("{\"model_warmup\": [{\"batch_size\": 2, \"inputs\": {\"x\": {\"data_type\": \"TYPE_STRING\", \"dims\": [2], \"input_data_file\": \"words.bin\"}}}]}");
        using var model = onnx.Load();
        Assert.Null(Warmup.Run(model, onnx.Open()));

        onnx.Configure("{\"model_warmup\": [{\"inputs\": {\"x\": {\"data_type\": \"TYPE_STRING\", \"dims\": [3], \"input_data_file\": \"words.bin\"}}}]}");
        Assert.Contains("dims: [3] do not fit [2]", onnx.FindFault(), StringComparison.Ordinal);
    }

    private void Configure(params string[] samples) =>
        _repository.Configure("x FP32 [2]", "y FP32 [2]", maxBatchSize: 4, more: $", \"model_warmup\": [{string.Join(',', samples)}]");

    private sealed class RecordingModel : IModelInstance
    {
        public List<string> Passes { get; } = [];

        public bool Fails { get; init; }

        public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
        {
            if (Fails) throw new InferenceException(InferenceError.ModelFailed, "no zeros, please");
            var x = Assert.Single(Assert.Single(items));
            Passes.Add($"{x.Shape[0]}: {string.Join(' ', x.ToArray<float>())}");
            return new([], default, default, default);
        }

        public void Dispose()
        {
        }
    }
}
