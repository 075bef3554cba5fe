using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>What files that cannot be served are told.</summary>
public sealed class OnnxFaultTests : IDisposable
{
    private readonly OnnxRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData("", "1/model.onnx is no ONNX model: the file is empty")]
    [InlineData("this is no model", "1/model.onnx is no ONNX model: byte 0 begins no field")]
    [InlineData("{\"a\": 1}", "1/model.onnx is no ONNX model: byte 0 begins no field")]
    [InlineData("\u0008\u0008", "1/model.onnx is no ONNX model: it has no graph")]
    [InlineData("\u003a\u0000", "1/model.onnx is no ONNX model: its graph has no output")]
    public void A_file_that_is_none_of_ONNX_is_refused_with_the_reason(string content, string expected)
    {
        _repository.Write(content);

        Assert.StartsWith(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_of_TorchScript_is_named()
    {
        TorchScriptArchive.Write(_repository.ModelPath, "def forward(self, x: Tensor) -> Tensor:\n  return x");

        Assert.Equal("1/model.onnx is no ONNX model: it is a zip archive, as models of TorchScript are", _repository.FindFault());
    }

    [Fact]
    public void A_file_that_is_cut_short_anywhere_is_refused_before_the_runtime_sees_it()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("MatMul", ["x", "w"], ["y"])],
            [new("w", [2, 2], [1, 0, 0, 1])]);
        var whole = File.ReadAllBytes(_repository.ModelPath);
        // The graph is followed by the operator set, without which only the runtime knows that something is missing.
        const int OperatorSet = 6;

        for (var length = 3; length < whole.Length - OperatorSet; length++)
        {
            File.WriteAllBytes(_repository.ModelPath, whole[..length]);
            Assert.Contains("cut short or damaged", _repository.FindFault(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Noise_never_gives_anything_but_a_reason()
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, 2]);
        var whole = File.ReadAllBytes(_repository.ModelPath);
        var random = new Random(4);

        for (var round = 0; round < 2000; round++)
        {
            var damaged = whole.ToArray();
            for (var i = 0; i < 3; i++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_repository.ModelPath, damaged);
            var fault = Record.Exception(() => _repository.Open());
            Assert.True(fault is null or InferenceException { Error: InferenceError.NotReady }, $"{fault}");
        }
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Equal("the file 1/model.onnx is missing", FaultOf("""{"platform": "onnxruntime_onnx"}"""));

    [Fact]
    public void Operators_that_the_runtime_does_not_know_are_named()
    {
        OnnxFile.Write(_repository.ModelPath, [new("x", OnnxFile.Float, [-1])], [new("y", OnnxFile.Float, [-1])], [new("Frobnicate", ["x"], ["y"])]);

        var fault = _repository.FindFault();

        Assert.StartsWith("model.onnx cannot be loaded: This is an invalid model.", fault, StringComparison.Ordinal);
        Assert.Contains("Frobnicate", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_operator_set_than_the_runtimes_is_named()
    {
        OnnxFile.Write(
            _repository.ModelPath, [new("x", OnnxFile.Float, [-1])], [new("y", OnnxFile.Float, [-1])], [new("Identity", ["x"], ["y"])], opset: 999);

        var fault = _repository.FindFault();

        Assert.StartsWith("model.onnx cannot be loaded: ONNX Runtime ", fault, StringComparison.Ordinal);
        Assert.Contains("Opset 999", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_are_missing_beside_the_file_are_named()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("MatMul", ["x", "w"], ["y"])],
            [new("w", [2, 2], [], Location: "weights.bin")]);

        var fault = _repository.FindFault();

        Assert.StartsWith("model.onnx cannot be loaded: ", fault, StringComparison.Ordinal);
        Assert.Contains("\"weights.bin\"", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void What_no_request_can_carry_is_named()
    {
        OnnxFile.Write(
            _repository.ModelPath, [new("x", OnnxFile.Float, [-1])], [new("maps", 0, null, IsSequence: true)], [new("Identity", ["x"], ["maps"])]);

        Assert.Equal("1/model.onnx: output 'maps' is a sequence, which no request can carry", _repository.FindFault());
    }

    [Fact]
    public void A_GPU_is_refused()
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, 2]);

        var exception = Assert.Throws<InferenceException>(
            () => new OnnxRuntime().Load(_repository.Open(), new("test.cuda:0", DeviceKind.Cuda, 0, 1)));

        Assert.Contains("'test.cuda:0'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_version_leaves_the_others_alone()
    {
        OnnxFile.WriteIdentity(_repository.PathOf(1), OnnxFile.Float, [-1, 2]);
        Directory.CreateDirectory(Path.GetDirectoryName(_repository.PathOf(2))!);
        File.WriteAllText(_repository.PathOf(2), "nothing");
        _repository.Configure("""{"version_policy": {"all": {}}}""");

        var repository = new FileModelRepository([_repository.Root]);

        Assert.Equal([(1, true), (2, false)], repository.Publications.Select(one => (one.Id.Version, one.Reason.Length == 0)));
        Assert.NotNull(repository.Find(new("model", 1)));
        Assert.Null(repository.Find(new("model", 2)));
    }

    private string FaultOf(string config)
    {
        _repository.Configure(config);
        return _repository.FindFault();
    }
}
