using System.Buffers;
using System.Text;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.AspNetCore.Tests.Hosting;

using static OrleansInference.AspNetCore.Tests.Hosting.Segments;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>A body arrives in pieces, cut where the network likes: the pieces must not show.</summary>
public sealed class SegmentTests
{
    private static readonly ModelDescriptor Model = Models.Ready("m", 0, [], []).Descriptor!;

    private const string Json =
        """
        {"x":{"y":[1,"\u00fc"]},"inputs":[{"data":[[-1.25e2,2.5],[3,4]],"parameters":{"z":null},"name":"A\u0042","shape":[2,2],"datatype":"FP32"},
        {"name":"B","shape":[3],"datatype":"UINT8","parameters":{"binary_data_size":3}},
        {"shape":[2],"data":["G\u00fc\n","世界"],"datatype":"BYTES","name":"C"}],
        "parameters":{"timeout":1500,"binary_data_output":true},"outputs":[{"name":"D","parameters":{"classification":7}}],"id":"\ud83d\ude00"}
        """;

    private static readonly byte[] Blob = [7, 8, 9];

    [Fact]
    public void A_request_reads_the_same_wherever_it_is_cut_in_two()
    {
        var json = Encoding.UTF8.GetBytes(Json);

        for (var cut = 0; cut <= json.Length; cut++)
            AssertWhole(InferJsonReader.Read(Cut(json, cut), Cut(Blob, cut % 4), 1000, Model));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_request_reads_the_same_in_pieces_of_any_size(int size)
    {
        var json = Encoding.UTF8.GetBytes(Json);
        int[] cuts = [.. Enumerable.Range(1, (json.Length - 1) / size).Select(index => index * size)];

        AssertWhole(InferJsonReader.Read(Cut(json, cuts), new(Blob), 1000, Model));
    }

    [Fact]
    public void A_message_about_an_element_is_the_same_wherever_it_is_cut()
    {
        var json = Encoding.UTF8.GetBytes(Bodies.OneInput("INT32", "[2]", "[1,\"forty-two\"]"));

        for (var cut = 0; cut <= json.Length; cut++)
        {
            var exception = Assert.Throws<InferenceException>(
                () => InferJsonReader.Read(Cut(json, cut), ReadOnlySequence<byte>.Empty, 1000, Model));

            Assert.Equal(InferenceError.InvalidArgument, exception.Error);
            Assert.Contains("element 1, 'forty-two', is no INT32", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_body_that_fills_many_blocks_arrives_whole_in_whatever_chunks()
    {
        await using var door = await FrontDoor.StartAsync();
        var numbers = Enumerable.Range(0, 20_000).ToArray();
        var body = Encoding.UTF8.GetBytes(Bodies.OneInput("INT32", "[20000]", $"[{string.Join(',', numbers)}]"));

        foreach (var chunk in new[] { 999, 4096, 65_536 }) (await door.InferAsync("identity", Bodies.Chunked(body, chunk))).AssertOk();

        Assert.Equal(3, door.Client.Requests.Count);
        Assert.All(door.Client.Requests, request => Assert.Equal(numbers, Assert.Single(request.Inputs).ToArray<int>()));
    }

    private static void AssertWhole(InferCall call)
    {
        Assert.Equal("😀", call.Id);
        Assert.Equal(TimeSpan.FromMicroseconds(1500), call.Parameters.Timeout);
        Assert.True(call.Parameters.BinaryOutputs);
        Assert.Equal([new OutputCall("D", null, 7)], call.Outputs);
        Assert.Equal(["AB FP32[2,2]", "B UINT8[3]", "C BYTES[2]"], call.Inputs.Select(input => input.ToString()));
        Assert.Equal([-125f, 2.5f, 3, 4], call.Inputs[0].ToArray<float>());
        Assert.Equal(Blob, call.Inputs[1].ToArray<byte>());
        Assert.Equal(["Gü\n", "世界"], call.Inputs[2].ToStrings());
    }
}
