using System.Buffers;
using System.Text;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Shapes that do not fit, or claim what nobody has sent.</summary>
public sealed class ShapeTests
{
    private static readonly ModelDescriptor Model = Models.Ready("identity", 0, [], []).Descriptor!;

    private const int Limit = 64 * 1024 * 1024;

    [Theory]
    [InlineData("[-1]", "dimension 0")]
    [InlineData("[2,-9223372036854775808]", "dimension 1")]
    [InlineData("[1.5]", "dimension 0")]
    [InlineData("[1,\"2\"]", "dimension 1")]
    [InlineData("[null]", "dimension 0")]
    [InlineData("[[1]]", "dimension 0")]
    [InlineData("[9223372036854775808]", "dimension 0")]
    [InlineData("1", "array")]
    [InlineData("\"[1]\"", "array")]
    [InlineData("{}", "array")]
    public async Task A_shape_that_is_no_list_of_sizes_is_400_and_says_where(string shape, string where)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("FP32", shape, "[1]"))).AssertError(400, "'shape'", where);
    }

    [Theory]
    [InlineData("[9223372036854775807,2]")]
    [InlineData("[4294967296,4294967296]")]
    [InlineData("[0,9223372036854775807,9223372036854775807]")]
    [InlineData("[65536,65536,65536,65536,65536]")]
    public async Task A_shape_whose_product_overflows_is_400_and_shown(string shape)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("FP32", shape, "[1]"))).AssertError(400, shape, "'INPUT0'");
        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertOk();
    }

    [Theory]
    [InlineData("FP64", "[9223372036854775807]")]
    [InlineData("UINT8", "[9223372036854775807]")]
    [InlineData("FP32", "[1000000000000]")]
    [InlineData("FP32", "[100000,100000]")]
    public async Task A_shape_that_claims_more_than_there_is_data_is_400_with_both_counts(string datatype, string shape)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, shape, "[1]"))).AssertError(400, shape, "'INPUT0'", "but there are 1");
    }

    [Theory]
    [InlineData("FP64", "[8000000]")]
    [InlineData("UINT8", "[60000000]")]
    [InlineData("BYTES", "[9223372036854775807]")]
    public void Nothing_is_allocated_for_elements_that_are_only_claimed(string datatype, string shape)
    {
        var body = Encoding.UTF8.GetBytes(Bodies.OneInput(datatype, shape, datatype == "BYTES" ? "[\"a\"]" : "[1]"));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<InferenceException>(
            () => InferJsonReader.Read(new(body), ReadOnlySequence<byte>.Empty, Limit, Model));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains("there are 1", exception.Message, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, 1024 * 1024);
    }

    [Fact]
    public void Nothing_is_allocated_for_a_blob_that_is_only_announced()
    {
        var body = """{"inputs":[{"name":"A","shape":[60000000],"datatype":"UINT8","parameters":{"binary_data_size":60000000}}]}"""u8.ToArray();

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InferenceException>(() => InferJsonReader.Read(new(body), new(new byte[8]), Limit, Model));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
    }

    [Theory]
    [InlineData("FP32", "[3]", "[1,2]", "3", "2")]
    [InlineData("FP32", "[2,2]", "[1,2,3]", "4", "3")]
    [InlineData("FP32", "[2]", "[]", "2", "0")]
    [InlineData("FP32", "[2]", "[1,2,3]", "2", "more")]
    [InlineData("FP32", "[0]", "[1]", "0", "more")]
    [InlineData("FP32", "[]", "[1,2]", "1", "more")]
    [InlineData("BYTES", "[2]", "[\"a\"]", "2", "1")]
    [InlineData("BYTES", "[1]", "[\"a\",\"b\"]", "1", "more")]
    public async Task Data_that_does_not_fill_the_shape_is_400_and_both_are_counted(
        string datatype, string shape, string data, string expected, string found)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, shape, data)))
            .AssertError(400, "'INPUT0'", shape, $"asks for {expected} elements", $"there are {found}");
    }

    [Theory]
    [InlineData("[]", "[1]", 1)]
    [InlineData("[]", "[[[1]]]", 1)]
    [InlineData("[0]", "[]", 0)]
    [InlineData("[3,0,5]", "[[],[],[]]", 0)]
    [InlineData("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[1]", 1)]
    public async Task Scalars_empty_tensors_and_high_ranks_go_through(string shape, string data, int count)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", shape, data));

        Assert.Equal(shape, answer.Outputs[0].GetProperty("shape").GetRawText());
        Assert.Equal(count, answer.Outputs[0].GetProperty("data").GetArrayLength());
        Assert.Equal(count, door.Client.TheInput.ElementCount);
    }

    [Fact]
    public async Task A_rank_without_end_is_400_and_names_the_limit()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("FP32", $"[{string.Join(',', Enumerable.Repeat(1, 33))}]", "[1]")))
            .AssertError(400, "'INPUT0'", "32");
    }
}
