using System.Text.Json;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>What a file tells, what a configuration adds, and what it may not say.</summary>
public sealed class OnnxConfigTests : IDisposable
{
    private readonly OnnxRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void A_file_alone_tells_names_types_and_shapes_and_that_the_model_batches()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("tokens", OnnxFile.Int64, [-1, -1]), new("mask", OnnxFile.Bool, [-1, -1])],
            [new("scores", OnnxFile.Float, [-1, 3]), new("label", OnnxFile.Text, [-1])],
            []);

        var version = Assert.Single(new FileModelRepository([_repository.Root]).Publications);

        Assert.Equal("", version.Reason);
        var model = version.Descriptor!;
        Assert.Equal(("onnxruntime_onnx", 32), (model.Platform, model.MaxBatchSize));
        Assert.Equal(["tokens INT64[-1,-1]", "mask BOOL[-1,-1]"], model.Inputs.Select(Show));
        Assert.Equal(["scores FP32[-1,3]", "label BYTES[-1]"], model.Outputs.Select(Show));
        Assert.Equal(["cpu"], model.DeviceKinds);
        Assert.True(_repository.Open().Config.Batching.Enabled);
    }

    [Fact]
    public void The_configuration_that_is_shown_has_what_was_derived_in_its_own_words()
    {
        OnnxFile.Write(_repository.ModelPath, [new("x", OnnxFile.Text, [-1, 2])], [new("y", OnnxFile.Float, [-1, -1])], []);
        _repository.Configure("""{"parameters": {"owner": "us"}, /* whose */ }""");

        var shown = JsonSerializer.Serialize(JsonDocument.Parse(_repository.Open().Descriptor.Configuration).RootElement);

        Assert.Equal(
            """{"parameters":{"owner":"us"},"platform":"onnxruntime_onnx","max_batch_size":32,"dynamic_batching":{},"input":[{"name":"x","data_type":"TYPE_STRING","dims":[2]}],"output":[{"name":"y","data_type":"TYPE_FP32","dims":[-1]}]}""",
            shown);
    }

    [Theory]
    [InlineData(new long[] { 3, 2 })]
    [InlineData(new long[0])]
    [InlineData(null)]
    public void A_model_with_a_tensor_whose_first_dimension_is_not_open_does_not_batch(long[]? shape)
    {
        OnnxFile.Write(_repository.ModelPath, [new("x", OnnxFile.Float, [-1, 2])], [new("y", OnnxFile.Float, shape)], []);

        var version = _repository.Open();

        Assert.Equal((0, false), (version.Config.MaxBatchSize, version.Config.Batching.Enabled));
        Assert.Equal([-1, 2], version.Network.Inputs[0].Shape);
        Assert.Equal(shape ?? [-1], version.Network.Outputs[0].Shape);
        Assert.Equal(shape is null, version.Network.Outputs[0].AnyRank);
    }

    [Fact]
    public void Weights_that_older_files_list_among_the_inputs_are_none()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("w", OnnxFile.Float, [2]), new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("Add", ["x", "w"], ["y"])],
            [new("w", [2], [1, 2])]);

        Assert.Equal("x", Assert.Single(_repository.Open().Network.Inputs).Name);
    }

    [Theory]
    [InlineData("""{"max_batch_size": 8}""", 8, false)]
    [InlineData("""{"max_batch_size": 0}""", 0, false)]
    [InlineData("""{"max_batch_size": 8, "dynamic_batching": {"preferred_batch_size": [4]}}""", 8, true)]
    [InlineData("""{"dynamic_batching": {"preferred_batch_size": [4]}}""", 32, true)]
    [InlineData("""{"platform": "onnxruntime_onnx"}""", 32, true)]
    [InlineData("""{"backend": "onnxruntime"}""", 32, true)]
    public void What_the_configuration_says_stays(string config, int maxBatchSize, bool sharesBatches)
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, 2]);
        _repository.Configure(config);

        var version = _repository.Open();

        Assert.Equal((maxBatchSize, sharesBatches), (version.Config.MaxBatchSize, version.Config.Batching.Enabled));
        Assert.Equal("x FP32[-1,2]", Show(version.Network.Inputs[0]));
    }

    [Fact]
    public void Each_version_has_the_signature_of_its_own_file()
    {
        OnnxFile.WriteIdentity(_repository.PathOf(1), OnnxFile.Float, [-1, 2]);
        OnnxFile.WriteIdentity(_repository.PathOf(2), OnnxFile.Double, [3]);
        _repository.Configure("""{"version_policy": {"all": {}}}""");

        var models = new FileModelRepository([_repository.Root]).Publications.Select(publication => publication.Descriptor!).ToList();

        Assert.Equal(["x FP32[-1,2]", "x FP64[3]"], models.Select(model => Show(model.Inputs[0])));
        Assert.Equal([32, 0], models.Select(model => model.MaxBatchSize));
    }

    [Fact]
    public void Preprocessing_and_labels_go_with_a_network_whose_signature_is_checked()
    {
        OnnxFile.Write(_repository.ModelPath, [new("features", OnnxFile.Float, [-1, 2])], [new("scores", OnnxFile.Float, [-1, 2])], []);
        _repository.Configure("""
            {
              "max_batch_size": 8,
              "input": [ { "name": "a", "data_type": "TYPE_FP32", "dims": [1] }, { "name": "b", "data_type": "TYPE_INT32", "dims": [1] } ],
              "output": [ { "name": "scores", "data_type": "TYPE_FP32", "dims": [2] }, { "name": "best", "data_type": "TYPE_INT64", "dims": [1] } ],
              "preprocessing": [ { "output": "features", "columns": [ { "input": "a" }, { "input": "b" } ] } ],
              "postprocessing": [ { "step": "argmax", "from": "scores", "output": "best" } ]
            }
            """);

        var version = _repository.Open();

        Assert.Equal(["features FP32[-1,2]"], version.Network.Inputs.Select(Show));
        Assert.Equal(["a FP32[-1,1]", "b INT32[-1,1]"], version.Descriptor.Inputs.Select(Show));
    }

    [Theory]
    [InlineData("\"dynamic_batching\": {\"padding\": [{\"input\": \"x\", \"axis\": 1, \"outputs\": [{\"output\": \"y\", \"axis\": 1}]}]}")]
    [InlineData("\"model_transaction_policy\": {\"decoupled\": true}, \"iteration\": {\"feed_back\": [{\"output\": \"y\", \"input\": \"x\"}], \"max_steps\": 3}")]
    public void Padding_and_iteration_go_with_tensors_that_only_the_file_names(string field)
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, -1]);
        _repository.Configure($$"""{"max_batch_size": 4, {{field}}}""");

        var config = _repository.Open().Config;

        Assert.True(config.Iteration is not null || config.Batching.Padding.Count == 1);
    }

    [Theory]
    [InlineData("\"input\": [{\"name\": \"z\", \"data_type\": \"TYPE_FP32\", \"dims\": [2]}]", "input: 1/model.onnx needs an input 'x' of FP32[-1,2], which is not declared")]
    [InlineData("\"input\": [{\"name\": \"z\", \"data_type\": \"TYPE_FP32\", \"dims\": [2]}]", "input: 1/model.onnx has no input 'z', but 'x'")]
    [InlineData("\"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_INT8\", \"dims\": [2]}]", "input 'x': declared as INT8[-1,2], but 1/model.onnx has FP32[-1,2]")]
    [InlineData("\"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\", \"dims\": [3]}]", "input 'x': declared as FP32[-1,3], but 1/model.onnx has FP32[-1,2]")]
    [InlineData("\"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\", \"dims\": [-1]}]", "input 'x': declared as FP32[-1,-1], but 1/model.onnx has FP32[-1,2]")]
    [InlineData("\"output\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\", \"dims\": [2]}]", "output: 1/model.onnx has no output 'x', but 'y'")]
    [InlineData("\"output\": [{\"name\": \"y\", \"data_type\": \"TYPE_FP32\", \"dims\": [2, 2]}]", "output 'y': declared as FP32[-1,2,2], but 1/model.onnx has FP32[-1,2]")]
    [InlineData("\"instance_group\": [{\"kind\": \"KIND_GPU\"}]", "instance_group[0].kind: asks for a GPU, but onnxruntime_onnx runs on CPUs alone")]
    [InlineData("\"instance_group\": [{\"gpus\": [0]}]", "instance_group[0].gpus: asks for a GPU, but onnxruntime_onnx runs on CPUs alone")]
    [InlineData("\"backend\": \"pytorch\", \"platform\": \"onnxruntime_onnx\"", "backend: contradicts platform 'onnxruntime_onnx'")]
    [InlineData("\"default_model_filename\": \"../model.onnx\"", "default_model_filename: '../model.onnx' is not a plain file name")]
    public void What_contradicts_the_file_or_the_runtime_is_named(string field, string expected)
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, 2]);
        _repository.Configure($$"""{"max_batch_size": 4, {{field}}}""");

        Assert.Contains(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_need_a_first_dimension_that_is_open()
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [3, 2]);
        _repository.Configure("""{"max_batch_size": 4}""");

        Assert.Contains("input 'x': declared as FP32[-1,2], but 1/model.onnx has FP32[3,2]", _repository.FindFault(), StringComparison.Ordinal);
    }

    private static string Show(TensorSignature tensor) =>
        $"{tensor.Name} {tensor.DataType.ToProtocolName()}{TensorShape.Format(tensor.Shape)}";
}
