using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests;

[Collection("torch")]
public sealed class ReshapedModelTests : IDisposable
{
    private static readonly Device Cpu = new("test.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_file_whose_input_and_output_are_numbers_takes_and_gives_tensors_of_one_element()
    {
        WriteOnnx([-1], [-1]);
        Configure(
            8,
            """{"name": "x", "data_type": "TYPE_FP32", "dims": [1], "reshape": {"shape": []}}""",
            """{"name": "y", "data_type": "TYPE_FP32", "dims": [1], "reshape": {}}""");

        var outputs = Run(InferenceTensor.Create("x", [1f, 2f], 2, 1), InferenceTensor.Create("x", [3f], 1, 1));

        Assert.Equal(["y FP32[2,1]", "y FP32[1,1]"], outputs.Select(output => output.ToString()));
        Assert.Equal([-1, -2, -3], outputs.SelectMany(output => output.ToArray<float>()));
    }

    [Fact]
    public void Open_dimensions_keep_their_sizes()
    {
        WriteOnnx([-1, 2, -1], [-1, 2, -1]);
        Configure(
            8,
            """{"name": "x", "data_type": "TYPE_FP32", "dims": [-1, 2], "reshape": {"shape": [2, -1]}}""",
            """{"name": "y", "data_type": "TYPE_FP32", "dims": [-1, 1, 2], "reshape": {"shape": [2, -1]}}""");

        var output = Assert.Single(Run(InferenceTensor.Create("x", [1f, 2, 3, 4, 5, 6], 1, 3, 2)));

        Assert.Equal("y FP32[1,3,1,2]", output.ToString());
        Assert.Equal([-1, -2, -3, -4, -5, -6], output.ToArray<float>());
    }

    [Fact]
    public void Without_batches_and_in_TorchScript_it_is_the_same()
    {
        TorchScriptArchive.Write(Path.Combine(_root.Path, "model", "1", "model.pt"), """
            def forward(self, x: Tensor) -> Tensor:
              return torch.sum(x, [0])
            """);
        Configure(
            0,
            """{"name": "x", "data_type": "TYPE_FP32", "dims": [4], "reshape": {"shape": [2, 2]}}""",
            """{"name": "y", "data_type": "TYPE_FP32", "dims": [1, 2], "reshape": {"shape": [2]}}""");

        var output = Assert.Single(Run(InferenceTensor.Create("x", [1f, 2, 3, 4], 4)));

        Assert.Equal("y FP32[1,2]", output.ToString());
        Assert.Equal([4, 6], output.ToArray<float>());
    }

    [Fact]
    public void Callers_see_the_shape_that_is_declared()
    {
        WriteOnnx([-1, 2, 2], [-1, 2, 2]);
        Configure(
            8,
            """{"name": "x", "data_type": "TYPE_FP32", "dims": [4], "reshape": {"shape": [2, 2]}}""",
            """{"name": "y", "data_type": "TYPE_FP32", "dims": [2, 2]}""");

        var version = Open();

        Assert.Equal([-1, 4], version.Descriptor.Inputs[0].Shape);
        Assert.Equal([-1, 2, 2], version.FileSignature.Inputs[0].Shape);
    }

    [Fact]
    public void A_model_that_reshapes_nothing_is_run_as_it_is()
    {
        WriteOnnx([-1, 2], [-1, 2]);

        using var instance = Load(Open());

        Assert.IsNotType<ReshapedModel>(instance);
    }

    [Theory]
    [InlineData("\"dims\": [4], \"reshape\": {\"shape\": [3]}", "input[0].reshape: [3] has not as many elements and open dimensions as dims [4]")]
    [InlineData("\"dims\": [4, -1], \"reshape\": {\"shape\": [4]}", "input[0].reshape: [4] has not as many elements and open dimensions as dims [4,-1]")]
    [InlineData("\"dims\": [4], \"reshape\": {\"shape\": [0]}", "input[0].reshape.shape[0]: 0 is not a dimension")]
    [InlineData("\"dims\": [4], \"reshape\": {\"shap\": [4]}", "input[0].reshape.shap: unknown or unsupported field")]
    [InlineData("\"dims\": [4], \"reshape\": [4]", "input[0].reshape: [4] is not an object")]
    [InlineData("\"dims\": [4, 1], \"reshape\": {\"shape\": [2, 2]}", "input 'x': declared as FP32[-1,2,2], but 1/model.onnx has FP32[-1,4]")]
    public void A_shape_that_cannot_be_is_named(string fields, string error)
    {
        WriteOnnx([-1, 4], [-1, 4]);
        Configure(8, $$"""{"name": "x", "data_type": "TYPE_FP32", {{fields}}}""", """{"name": "y", "data_type": "TYPE_FP32", "dims": [4]}""");

        Assert.Contains(error, Assert.Throws<InferenceException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ensemble_has_nothing_to_reshape()
    {
        const string X = """{"name": "x", "data_type": "TYPE_FP32", "dims": [4], "reshape": {"shape": [4]}}""";
        _root.Write("model/config.json", $$"""{"platform": "ensemble", "ensemble": {"members": [{"model_name": "a"}], "aggregate": "mean"}, "input": [{{X}}], "output": [{{X}}]}""");

        Assert.Contains("input[0].reshape: contradicts platform 'ensemble'", Assert.Throws<InferenceException>(Open).Message, StringComparison.Ordinal);
    }

    private InferenceTensor[] Run(params InferenceTensor[] requests)
    {
        using var instance = Load(Open());
        return [.. instance.Run([.. requests.Select(request => new[] { request })]).Outputs.Select(outputs => outputs[0])];
    }

    private static IModelInstance Load(ModelVersion version)
    {
        var runtimes = new ModelRuntimes();
        runtimes.InitializeThread(Cpu);
        return runtimes.Load(version, Cpu);
    }

    private ModelVersion Open() => ModelFolderReader.Open(Path.Combine(_root.Path, "model"), 1);

    private void WriteOnnx(long[] input, long[] output) => OnnxFile.Write(
        Path.Combine(_root.Path, "model", "1", "model.onnx"),
        [new("x", OnnxFile.Float, input)],
        [new("y", OnnxFile.Float, output)],
        [new("Neg", ["x"], ["y"])]);

    private void Configure(int maxBatchSize, string input, string output) =>
        _root.Write("model/config.json", $$"""{"max_batch_size": {{maxBatchSize}}, "input": [{{input}}], "output": [{{output}}]}""");
}
