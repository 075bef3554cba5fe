using Google.Protobuf;

using Inference;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>Every datatype, raw and typed, in and out.</summary>
public sealed class TensorTests
{
    /// <summary>Two elements of each datatype: their contents, and their bytes.</summary>
    private static readonly Dictionary<string, (InferTensorContents? Contents, byte[] Bytes)> Samples = new()
    {
        ["BOOL"] = (new() { BoolContents = { true, false } }, [1, 0]),
        ["UINT8"] = (new() { UintContents = { 1, 255 } }, [1, 255]),
        ["UINT16"] = (new() { UintContents = { 1, ushort.MaxValue } }, Bodies.BytesOf<ushort>(1, ushort.MaxValue)),
        ["UINT32"] = (new() { UintContents = { 1, uint.MaxValue } }, Bodies.BytesOf<uint>(1, uint.MaxValue)),
        ["UINT64"] = (new() { Uint64Contents = { 1, ulong.MaxValue } }, Bodies.BytesOf<ulong>(1, ulong.MaxValue)),
        ["INT8"] = (new() { IntContents = { -128, 127 } }, Bodies.BytesOf<sbyte>(-128, 127)),
        ["INT16"] = (new() { IntContents = { short.MinValue, 1 } }, Bodies.BytesOf<short>(short.MinValue, 1)),
        ["INT32"] = (new() { IntContents = { int.MinValue, 1 } }, Bodies.BytesOf(int.MinValue, 1)),
        ["INT64"] = (new() { Int64Contents = { long.MinValue, 1 } }, Bodies.BytesOf<long>(long.MinValue, 1)),
        ["FP16"] = (null, Bodies.BytesOf((Half)1.5, Half.NaN)),
        ["BF16"] = (null, [0x80, 0x3f, 0x00, 0xc0]),
        ["FP32"] = (new() { Fp32Contents = { 1.5f, float.NaN } }, Bodies.BytesOf(1.5f, float.NaN)),
        ["FP64"] = (new() { Fp64Contents = { double.Epsilon, double.NegativeInfinity } }, Bodies.BytesOf(double.Epsilon, double.NegativeInfinity)),
        ["BYTES"] = (new() { BytesContents = { ByteString.CopyFrom(0, 255), ByteString.Empty } }, [2, 0, 0, 0, 0, 255, 0, 0, 0, 0]),
    };

    public static TheoryData<string> Datatypes => [.. DataTypes.AllNames];

    public static TheoryData<string> TypedDatatypes => [.. DataTypes.AllNames.Where(name => Samples[name].Contents is not null)];

    [Theory]
    [MemberData(nameof(Datatypes))]
    public async Task Raw_elements_arrive_and_come_back_as_they_are(string datatype)
    {
        await using var door = await GrpcDoor.StartAsync();

        var response = await door.Api.ModelInferAsync(Requests.Raw(datatype, [1, 2], Samples[datatype].Bytes));

        AssertSample(door, response, datatype);
    }

    [Theory]
    [MemberData(nameof(TypedDatatypes))]
    public async Task Typed_elements_arrive_as_bytes_and_come_back_raw(string datatype)
    {
        await using var door = await GrpcDoor.StartAsync();

        var response = await door.Api.ModelInferAsync(Requests.Typed(datatype, [1, 2], Samples[datatype].Contents!));

        AssertSample(door, response, datatype);
    }

    [Theory]
    [InlineData("FP16")]
    [InlineData("BF16")]
    public async Task Half_floats_can_only_be_raw(string datatype)
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Requests.Typed(datatype, [1], new() { Fp32Contents = { 1 } }), "'INPUT0'", datatype, "raw_input_contents");
        await door.AssertRefusedAsync(Requests.Empty(datatype, [1]), "'INPUT0'", datatype, "raw_input_contents");
    }

    [Theory]
    [InlineData("INT8", 128)]
    [InlineData("INT8", -129)]
    [InlineData("INT16", 32768)]
    public async Task An_integer_out_of_its_datatypes_range_is_refused_and_named(string datatype, int value)
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(
            Requests.Typed(datatype, [2], new() { IntContents = { 0, value } }), "element 1", "'INPUT0'", $"{value}", datatype);
    }

    [Theory]
    [InlineData("UINT8", 256)]
    [InlineData("UINT16", 65536)]
    public async Task So_is_an_unsigned_one(string datatype, uint value)
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Requests.Typed(datatype, [1], new() { UintContents = { value } }), "element 0", $"{value}", datatype);
    }

    [Fact]
    public async Task Elements_in_another_datatypes_field_are_refused_and_both_fields_named()
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(
            Requests.Typed("INT32", [1], new() { Fp32Contents = { 1 } }), "'INPUT0'", "INT32", "fp32_contents", "int_contents");
        await door.AssertRefusedAsync(
            Requests.Typed("FP32", [1], new() { Fp32Contents = { 1 }, BoolContents = { true } }), "bool_contents", "fp32_contents");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Elements_that_do_not_fill_the_shape_are_refused_by_their_count(int count)
    {
        await using var door = await GrpcDoor.StartAsync();
        var contents = new InferTensorContents { IntContents = { new int[count] } };

        await door.AssertRefusedAsync(Requests.Typed("INT32", [2], contents), $"elements {count}", "'INPUT0'", "expected 2");
        await door.AssertRefusedAsync(Requests.Raw("INT32", [2], new byte[4 * count]), "'INPUT0'", $"{4 * count} bytes", "expected 2");
    }

    [Fact]
    public async Task Byte_strings_that_are_cut_short_are_refused()
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Requests.Raw("BYTES", [1], [9, 0, 0, 0, 1]), "'INPUT0'", "9");
        await door.AssertRefusedAsync(Requests.Raw("BYTES", [1], [1, 0]), "'INPUT0'");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData(new long[] { -1 }, "[-1]")]
    [InlineData(new long[] { long.MaxValue, 3 }, "3]")]
    public async Task Shapes_that_cannot_be_are_refused(long[] shape, string named)
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Requests.Raw("FP32", shape, [1, 2, 3, 4]), "'INPUT0'", named);
        await door.AssertRefusedAsync(Requests.Typed("FP32", shape, new() { Fp32Contents = { 1 } }), "'INPUT0'", named);
    }

    [Theory]
    [InlineData("FLOAT")]
    [InlineData("fp32")]
    [InlineData("")]
    public async Task An_unknown_datatype_is_refused_with_the_known_ones(string datatype)
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Requests.Raw(datatype, [1], [1]), $"'{datatype}'", "'INPUT0'", "FP32", "BYTES");
    }

    [Fact]
    public async Task Tensors_may_be_empty_or_scalars()
    {
        await using var door = await GrpcDoor.StartAsync();

        Assert.Empty((await door.Api.ModelInferAsync(Requests.Raw("FP32", [3, 0, 2], []))).RawOutputContents[0]);
        Assert.Equal([3, 0, 2], (await door.Api.ModelInferAsync(Requests.Empty("BYTES", [3, 0, 2]))).Outputs[0].Shape);
        var scalar = await door.Api.ModelInferAsync(Requests.Raw("UINT8", [], [7]));
        Assert.Empty(scalar.Outputs[0].Shape);
        Assert.Equal([7], scalar.RawOutputContents[0].ToByteArray());
    }

    [Fact]
    public async Task Contents_beside_raw_contents_are_refused()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.RawInputContents.Add(ByteString.CopyFrom(new byte[4]));

        await door.AssertRefusedAsync(request, "'INPUT0'", "contents", "raw_input_contents");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Raw_contents_are_one_for_each_input(int count)
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Empty("UINT8", [1]);
        request.Inputs.Add(Requests.Empty("UINT8", [1], "INPUT1").Inputs);
        for (var i = 0; i < count; i++) request.RawInputContents.Add(ByteString.CopyFrom(1));

        await door.AssertRefusedAsync(request, "expected 2", $"got {count}");
    }

    [Fact]
    public async Task Several_inputs_keep_their_order_and_names()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Raw("UINT8", [1], [1]);
        request.Inputs.Add(Requests.Empty("INT8", [2], "INPUT1").Inputs);
        request.RawInputContents.Add(ByteString.CopyFrom(2, 3));

        var response = await door.Api.ModelInferAsync(request);

        Assert.Equal(["INPUT0 UINT8[1]", "INPUT1 INT8[2]"], door.Client.TheRequest.Inputs.Select(input => input.ToString()));
        Assert.Equal(["OUTPUT0", "OUTPUT1"], response.Outputs.Select(output => output.Name));
        Assert.Equal([2, 3], response.RawOutputContents[1].ToByteArray());
    }

    private static void AssertSample(GrpcDoor door, ModelInferResponse response, string datatype)
    {
        Assert.Equal($"INPUT0 {datatype}[1,2]", door.Client.TheInput.ToString());
        Assert.Equal(Samples[datatype].Bytes, door.Client.TheInput.Data.ToArray());
        var output = Assert.Single(response.Outputs);
        Assert.Equal(("OUTPUT0", datatype), (output.Name, output.Datatype));
        Assert.Equal([1, 2], output.Shape);
        Assert.Null(output.Contents);
        Assert.Equal(Samples[datatype].Bytes, Assert.Single(response.RawOutputContents).ToByteArray());
    }
}
