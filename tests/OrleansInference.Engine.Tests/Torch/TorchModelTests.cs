using OrleansInference.Benchmarks.Models;
using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;
using OrleansInference.Engine.Verification;
using OrleansInference.Tensors;

using TorchSharp;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>Real networks in libtorch. One collection, so that its tests run one after the other: torch counts tensors per process.</summary>
[Collection("torch")]
public sealed class TorchModelTests : IDisposable
{
    private static readonly Device Cpu = new("test.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly TemporaryFolder _repository = new();
    private readonly TorchRuntime _runtime = new();

    public TorchModelTests() => _runtime.InitializeThread(Cpu);

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void A_batch_gives_each_request_what_it_would_get_alone()
    {
        var version = ModelFolderReader.Open(Path.Combine(TorchScriptArchive.BundledModels, "digits"), 1);
        using var model = _runtime.Load(version, Cpu);
        var random = new Random(1);
        var items = new[] { 1, 3, 2 }.Select(rows => new[] { Pixels(random, rows) }).ToArray();

        var together = model.Run(items).Outputs;

        for (var i = 0; i < items.Length; i++)
        {
            var alone = model.Run([items[i]]).Outputs[0][0];
            Assert.Equal(alone.Shape.ToArray(), together[i][0].Shape.ToArray());
            Assert.All(
                alone.ToArray<float>().Zip(together[i][0].ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(40)]
    public void Convolutions_are_right_on_this_processor_whatever_the_number_of_channels(int channels)
    {
        using var scope = torch.NewDisposeScope();
        var input = torch.rand([2, channels, 6, 6]);
        var weight = torch.rand([8, channels, 3, 3]);

        var convolved = torch.nn.functional.conv2d(input, weight);

        var product = torch.matmul(weight.reshape(8, -1), torch.nn.functional.unfold(input, 3)).reshape(convolved.shape);
        Assert.True(torch.allclose(convolved, product, rtol: 1e-4, atol: 1e-4));
    }

    [Fact]
    public void Answers_equal_those_of_torch_itself()
    {
        var version = ModelFolderReader.Open(Path.Combine(TorchScriptArchive.BundledModels, "digits"), 1);
        using var model = _runtime.Load(version, Cpu);
        var input = Pixels(new Random(2), 4);

        var served = model.Run([[input]]).Outputs[0][0].ToArray<float>();

        using var module = torch.jit.load<torch.Tensor, torch.Tensor>(version.ModelPath);
        using var tensor = torch.tensor(input.ToArray<float>(), [4, 1, 28, 28]);
        using var expected = module.forward(tensor);
        Assert.Equal(expected.data<float>().ToArray(), served);
    }

    [Fact]
    public void A_tuple_of_outputs_comes_in_the_configured_order()
    {
        var version = ModelFolderReader.Open(Path.Combine(TorchScriptArchive.BundledModels, "simple"), 1);
        using var model = _runtime.Load(version, Cpu);
        var left = InferenceTensor.Create("INPUT0", Enumerable.Range(1, 16).ToArray(), 1, 16);
        var right = InferenceTensor.Create("INPUT1", Enumerable.Repeat(10, 16).ToArray(), 1, 16);

        var outputs = model.Run([[left, right]]).Outputs[0];

        Assert.Equal(["OUTPUT0", "OUTPUT1"], outputs.Select(output => output.Name));
        Assert.Equal(Enumerable.Range(11, 16), outputs[0].ToArray<int>());
        Assert.Equal(Enumerable.Range(-9, 16), outputs[1].ToArray<int>());
    }

    [Fact]
    public void Inputs_named_by_position_reach_that_argument()
    {
        using var model = Load(
            """{"max_batch_size": 4, "input": [{"name":"B__1","data_type":"TYPE_FP32","dims":[1]},{"name":"A__0","data_type":"TYPE_FP32","dims":[1]}], "output": [{"name":"Y","data_type":"TYPE_FP32","dims":[1]}]}""",
            "x: Tensor,\n    y: Tensor",
            "return torch.sub(x, y)");

        var outputs = model.Run([[InferenceTensor.Create("B__1", new[] { 1f }, 1, 1), InferenceTensor.Create("A__0", new[] { 5f }, 1, 1)]]).Outputs;

        Assert.Equal([4f], outputs[0][0].ToArray<float>());
    }

    [Theory]
    [InlineData("BOOL", "0100")]
    [InlineData("UINT8", "07FF")]
    [InlineData("INT8", "07FF")]
    [InlineData("INT16", "07000080")]
    [InlineData("INT32", "0700000000000080")]
    [InlineData("INT64", "07000000000000000000000000000080")]
    [InlineData("FP16", "003C007E")]
    [InlineData("BF16", "803FC07F")]
    [InlineData("FP32", "0000803F0000C07F")]
    [InlineData("FP64", "000000000000F03F000000000000F87F")]
    public void Every_datatype_that_torch_has_goes_through_a_network_as_it_is(string datatype, string bytes)
    {
        Assert.True(DataTypes.TryParse(datatype, out var type));
        using var model = Load(Doubles.Replace("TYPE_FP32", $"TYPE_{datatype}", StringComparison.Ordinal), "x: Tensor", "return x");

        var output = model.Run([[new("x", type, [1, 2], Convert.FromHexString(bytes))]]).Outputs[0][0];

        Assert.Equal(type, output.DataType);
        Assert.Equal(bytes, Convert.ToHexString(output.Data.Span));
    }

    [Fact]
    public void No_datatype_that_torch_has_is_left_out()
    {
        var tested = typeof(TorchModelTests).GetMethod(nameof(Every_datatype_that_torch_has_goes_through_a_network_as_it_is))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(row => (string)row.Data[0]!);

        Assert.Equal(
            Enum.GetValues<DataType>().Where(TorchTypes.Supports).Select(type => type.ToProtocolName()).Order(StringComparer.Ordinal),
            tested.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("return torch.neg(x)", "x: Tensor,\n    y: Tensor", "forward needs 'y' of Tensor, which is not declared: it takes (x: Tensor, y: Tensor)")]
    [InlineData("return torch.to(x, 7)", "x: Tensor", "FP64")]
    [InlineData("return torch.reshape(x, [-1])", "x: Tensor", "[4]")]
    [InlineData("return torch.slice(x, 0, 0, 1)", "x: Tensor", "1 rows for a batch of 2")]
    public void A_model_that_is_not_what_it_is_declared_to_be_fails_with_the_difference(string body, string arguments, string expected)
    {
        var exception = Assert.Throws<InferenceException>(() =>
        {
            using var model = Load(Doubles, arguments, body);
            model.Run([[InferenceTensor.Create("x", new[] { 1f, 2, 3, 4 }, 2, 2)]]);
        });

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_raises_gives_its_message_and_works_on()
    {
        using var model = Load(
            Doubles,
            "x: Tensor",
            "_0 = bool(torch.lt(torch.min(x), 0))\nif _0:\n  ops.prim.RaiseException(\"negative input\")\nelse:\n  pass\nreturn x");

        var exception = Assert.Throws<InferenceException>(() => model.Run([[InferenceTensor.Create("x", new[] { -1f, 2 }, 1, 2)]]));

        Assert.Equal(InferenceError.ModelFailed, exception.Error);
        Assert.Contains("negative input", exception.Message, StringComparison.Ordinal);
        Assert.Equal([1f, 2], model.Run([[InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)]]).Outputs[0][0].ToArray<float>());
    }

    [Fact]
    public void Passes_of_all_kinds_leave_no_tensor_behind()
    {
        var version = ModelFolderReader.Open(Path.Combine(TorchScriptArchive.BundledModels, "digits"), 1);
        using var model = _runtime.Load(version, Cpu);
        using var failing = Load(Doubles, "x: Tensor", "return torch.reshape(x, [-1])");
        var random = new Random(3);
        model.Run([[Pixels(random, 1)]]);
        // What other tests have left to the finalizer must not go while this one counts.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;

        for (var pass = 0; pass < 50; pass++)
        {
            model.Run([[Pixels(random, 1 + (pass % 8))]]);
            Assert.Throws<InferenceException>(() => failing.Run([[InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)]]));
        }

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void A_model_that_is_disposed_leaves_none_of_its_weights_behind()
    {
        const int Loads = 8, Elements = 8 << 20;
        var archive = Path.Combine(_repository.Path, "model", "1", "model.pt");
        TorchScriptWriter.Write(archive, "def forward(self, x: Tensor) -> Tensor:\n  return torch.add(x, torch.select(self.w, 0, 0))", [("w", [Elements], new float[Elements])]);
        _repository.Write("model/config.json", Doubles.Replace("FP64", "FP32", StringComparison.Ordinal));
        var version = ModelFolderReader.Open(Path.Combine(_repository.Path, "model"), 1);
        LoadAndRun();
        var before = OwnMemory.Read();

        for (var load = 0; load < Loads; load++) LoadAndRun();

        Assert.InRange(OwnMemory.Read() - before, long.MinValue, (long)Loads * Elements * sizeof(float) / 2);

        void LoadAndRun()
        {
            using var model = _runtime.Load(version, Cpu);
            for (var pass = 0; pass < 3; pass++) model.Run([[InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)]]);
        }
    }

    [Fact]
    public void An_empty_tensor_is_as_good_as_any()
    {
        var version = ModelFolderReader.Open(Path.Combine(TorchScriptArchive.BundledModels, "identity"), 1);
        using var model = _runtime.Load(version, Cpu);

        var output = model.Run([[InferenceTensor.Create("INPUT0", Array.Empty<float>(), 2, 0, 3)]]).Outputs[0][0];

        Assert.Equal([2, 0, 3], output.Shape.ToArray());
        Assert.Equal(0, output.Data.Length);
    }

    [Fact]
    public void A_file_that_is_no_archive_is_refused_by_its_name()
    {
        _repository.Write("broken/config.json", Doubles);
        _repository.Write("broken/1/model.pt", "this is no archive");

        var exception = Assert.Throws<InferenceException>(() =>
            _runtime.Load(ModelFolderReader.Open(Path.Combine(_repository.Path, "broken"), 1), Cpu));

        Assert.Equal(InferenceError.NotReady, exception.Error);
        Assert.Contains("1/model.pt: the file is no zip archive", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Warm_up_runs_one_row_and_full_batches_and_reports_a_model_that_fails_on_its_own_shape()
    {
        using var sound = Load(Doubles, "x: Tensor", "return x");
        Assert.Null(Warmup.Run(sound, ModelFolderReader.Open(Path.Combine(_repository.Path, "model"), 1)));
        using var broken = Load(Doubles, "x: Tensor", "return torch.reshape(x, [-1])");

        Assert.Throws<InferenceException>(() => Warmup.Run(broken, ModelFolderReader.Open(Path.Combine(_repository.Path, "model"), 1)));
    }

    [Fact]
    public void Warm_up_only_warns_where_it_had_to_guess_a_size()
    {
        var open = Doubles.Replace("[2]", "[-1]", StringComparison.Ordinal);
        using var model = Load(open, "x: Tensor", "return torch.reshape(x, [-1, 3])");

        Assert.NotNull(Warmup.Run(model, ModelFolderReader.Open(Path.Combine(_repository.Path, "model"), 1)));
    }

    private const string Doubles =
        """{"max_batch_size": 4, "input": [{"name":"x","data_type":"TYPE_FP32","dims":[2]}], "output": [{"name":"y","data_type":"TYPE_FP32","dims":[2]}]}""";

    private IModelInstance Load(string config, string arguments, string body)
    {
        _repository.Write("model/config.json", config);
        var archive = Path.Combine(_repository.Path, "model", "1", "model.pt");
        if (File.Exists(archive)) File.Delete(archive);
        var indented = body.Split('\n').Select(line => $"  {line}\n");
        TorchScriptArchive.Write(archive, $"def forward(self, {arguments}) -> Tensor:\n{string.Concat(indented)}");
        return _runtime.Load(ModelFolderReader.Open(Path.Combine(_repository.Path, "model"), 1), Cpu);
    }

    private static InferenceTensor Pixels(Random random, int rows)
    {
        var pixels = new float[rows * 28 * 28];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = random.NextSingle();
        return InferenceTensor.Create("pixels", pixels, rows, 1, 28, 28);
    }
}
