using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>Real networks in ONNX Runtime.</summary>
public sealed class OnnxModelTests : IDisposable
{
    private readonly OnnxRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData("BOOL", OnnxFile.Bool, "0100")]
    [InlineData("UINT8", OnnxFile.UInt8, "07FF")]
    [InlineData("UINT16", OnnxFile.UInt16, "07000080")]
    [InlineData("UINT32", OnnxFile.UInt32, "0700000000000080")]
    [InlineData("UINT64", OnnxFile.UInt64, "07000000000000000000000000000080")]
    [InlineData("INT8", OnnxFile.Int8, "07FF")]
    [InlineData("INT16", OnnxFile.Int16, "07000080")]
    [InlineData("INT32", OnnxFile.Int32, "0700000000000080")]
    [InlineData("INT64", OnnxFile.Int64, "07000000000000000000000000000080")]
    [InlineData("FP16", OnnxFile.Float16, "003C007E")]
    [InlineData("BF16", OnnxFile.BFloat16, "803FC07F")]
    [InlineData("FP32", OnnxFile.Float, "0000803F0000C07F")]
    [InlineData("FP64", OnnxFile.Double, "000000000000F03F000000000000F87F")]
    [InlineData("BYTES", OnnxFile.Text, "03000000FF004100000000")]
    public void Every_datatype_goes_through_a_network_as_it_is(string datatype, int onnxType, string bytes)
    {
        Assert.True(DataTypes.TryParse(datatype, out var type));
        OnnxFile.WriteIdentity(_repository.ModelPath, onnxType, [-1, 2]);
        using var model = _repository.Load();
        var input = new InferenceTensor("x", type, [1, 2], Convert.FromHexString(bytes));

        var alone = model.Run([[input]]).Outputs;
        var together = model.Run([[input], [input]]).Outputs;

        foreach (var output in alone.Concat(together).Select(outputs => Assert.Single(outputs)))
        {
            Assert.Equal(type, output.DataType);
            Assert.Equal([1, 2], output.Shape.ToArray());
            Assert.Equal(bytes, Convert.ToHexString(output.Data.Span));
        }
    }

    [Fact]
    public void No_datatype_is_left_out()
    {
        var tested = typeof(OnnxModelTests).GetMethod(nameof(Every_datatype_goes_through_a_network_as_it_is))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(row => (string)row.Data[0]!);

        Assert.Equal(DataTypes.AllNames.Order(StringComparer.Ordinal), tested.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Inputs_and_outputs_go_by_their_names_and_not_by_their_order()
    {
        WriteSumAndDifference();
        _repository.Configure("""
            {
              "max_batch_size": 4,
              "input": [ { "name": "b", "data_type": "TYPE_FP32", "dims": [2] }, { "name": "a", "data_type": "TYPE_FP32", "dims": [2] } ],
              "output": [ { "name": "difference", "data_type": "TYPE_FP32", "dims": [2] }, { "name": "sum", "data_type": "TYPE_FP32", "dims": [2] } ]
            }
            """);
        using var model = _repository.Load();

        var outputs = model.Run([[Row("b", 1, 2), Row("a", 10, 20)], [Row("b", 3, 4), Row("a", 30, 40)]]).Outputs;

        Assert.Equal(["difference", "sum"], outputs[0].Select(output => output.Name));
        Assert.Equal([9, 18], outputs[0][0].ToArray<float>());
        Assert.Equal([11, 22], outputs[0][1].ToArray<float>());
        Assert.Equal([27, 36], outputs[1][0].ToArray<float>());
        Assert.Equal([33, 44], outputs[1][1].ToArray<float>());
    }

    [Fact]
    public void A_lone_request_is_the_networks_input_without_a_copy_and_stays_what_it_is()
    {
        WriteSumAndDifference();
        using var model = _repository.Load();
        var (a, b) = (Row("a", 1, 2), Row("b", 3, 4));

        var outputs = model.Run([[a, b]]).Outputs[0];

        Assert.Equal([4, 6], outputs[0].ToArray<float>());
        Assert.Equal([1, 2], a.ToArray<float>());
        Assert.Equal([3, 4], b.ToArray<float>());
    }

    [Fact]
    public void Open_dimensions_may_have_any_size_in_each_pass()
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, [-1, -1]);
        using var model = _repository.Load();

        foreach (var size in new[] { 1, 7, 3 })
        {
            var input = InferenceTensor.Create("x", new float[2 * size], 2, size);
            var outputs = model.Run([[input], [input]]).Outputs;
            Assert.All(outputs, output => Assert.Equal([2, size], output[0].Shape.ToArray()));
        }
    }

    [Theory]
    [InlineData(new long[0])]
    [InlineData(new long[] { 3 })]
    [InlineData(new long[] { 2, 0, 3 })]
    public void A_file_that_tells_no_shape_takes_any(long[] shape)
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Float, null);
        using var model = _repository.Load();
        TensorShape.TryGetElementCount(shape, out var count);

        var output = model.Run([[new("x", DataType.Float32, shape, new byte[4 * count])]]).Outputs[0][0];

        Assert.Equal(shape, output.Shape.ToArray());
        Assert.Equal(4 * count, output.Data.Length);
    }

    [Fact]
    public void A_network_that_gives_other_rows_than_it_got_fails()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("Concat", ["x", "x"], ["y"], [("axis", 0)])]);
        using var model = _repository.Load();

        var exception = Assert.Throws<InferenceException>(() => model.Run([[Row("x", 1, 2)], [Row("x", 3, 4)]]));

        Assert.Equal(InferenceError.ModelFailed, exception.Error);
        Assert.Contains("output 'y' came out with 4 rows for a batch of 2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pass_that_fails_gives_the_runtimes_message_and_the_model_works_on()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, -1])],
            [new("y", OnnxFile.Float, [-1, -1])],
            [new("MatMul", ["x", "w"], ["y"])],
            [new("w", [2, 2], [1, 0, 0, 1])]);
        using var model = _repository.Load();

        var exception = Assert.Throws<InferenceException>(() => model.Run([[Row("x", 1, 2, 3)]]));

        Assert.Equal(InferenceError.ModelFailed, exception.Error);
        Assert.Contains("MatMul", exception.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], model.Run([[Row("x", 1, 2)]]).Outputs[0][0].ToArray<float>());
    }

    [Fact]
    public void Weights_may_lie_in_a_file_beside_the_model()
    {
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("Add", ["x", "w"], ["y"])],
            [new("w", [2], [], Location: "weights.bin")]);
        File.WriteAllBytes(
            Path.Combine(Path.GetDirectoryName(_repository.ModelPath)!, "weights.bin"), [.. BitConverter.GetBytes(10f), .. BitConverter.GetBytes(20f)]);
        using var model = _repository.Load();

        Assert.Equal([11, 22], model.Run([[Row("x", 1, 2)]]).Outputs[0][0].ToArray<float>());
    }

    [Fact]
    public void Warm_up_runs_strings_too()
    {
        OnnxFile.WriteIdentity(_repository.ModelPath, OnnxFile.Text, [-1, 2]);
        using var model = _repository.Load();

        Assert.Null(Warmup.Run(model, _repository.Open()));
    }

    private void WriteSumAndDifference() => OnnxFile.Write(
        _repository.ModelPath,
        [new("a", OnnxFile.Float, [-1, 2]), new("b", OnnxFile.Float, [-1, 2])],
        [new("sum", OnnxFile.Float, [-1, 2]), new("difference", OnnxFile.Float, [-1, 2])],
        [new("Add", ["a", "b"], ["sum"]), new("Sub", ["a", "b"], ["difference"])]);

    private static InferenceTensor Row(string name, params float[] elements) => InferenceTensor.Create(name, elements, 1, elements.Length);
}
