using Grpc.Core;

using Inference;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class SizeTests
{
    private const int Limit = 2048;

    [Fact]
    public async Task Twenty_megabytes_go_in_and_come_back()
    {
        await using var door = await GrpcDoor.StartAsync();
        var data = new byte[20 * 1024 * 1024];
        new Random(7).NextBytes(data);

        var response = await door.Api.ModelInferAsync(Requests.Raw("UINT8", [data.Length], data));

        Assert.True(data.AsSpan().SequenceEqual(response.RawOutputContents[0].Span));
    }

    [Theory]
    [InlineData(Limit, true)]
    [InlineData(Limit + 1, false)]
    public async Task Raw_tensors_count_to_the_limit_of_requests(int size, bool fits)
    {
        await using var door = await GrpcDoor.StartAsync(Limit);

        await AssertAsync(door, Requests.Raw("UINT8", [size], new byte[size]), fits, "'INPUT0'", $"[{size}]");
    }

    [Theory]
    [InlineData(Limit / 8, true)]
    [InlineData((Limit / 8) + 1, false)]
    public async Task Typed_tensors_count_as_they_are_decoded(int count, bool fits)
    {
        await using var door = await GrpcDoor.StartAsync(Limit);

        await AssertAsync(door, Requests.Typed("INT64", [count], new() { Int64Contents = { new long[count] } }), fits, "'INPUT0'", $"[{count}]");
    }

    [Fact]
    public async Task All_tensors_of_a_request_count_together()
    {
        await using var door = await GrpcDoor.StartAsync(Limit);
        var request = Requests.Raw("UINT8", [Limit], new byte[Limit]);
        request.Inputs.Add(Requests.Empty("UINT8", [1], "INPUT1").Inputs);
        request.RawInputContents.Add(Google.Protobuf.ByteString.CopyFrom(1));

        await AssertAsync(door, request, fits: false, "'INPUT1'", "[1]", $"{Limit}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_far_over_the_limit_is_not_even_read(bool compressed)
    {
        await using var door = await GrpcDoor.StartAsync(Limit);
        var request = Requests.Raw("UINT8", [1024 * 1024], new byte[1024 * 1024]);
        Metadata headers = compressed ? new() { { "grpc-internal-encoding-request", "gzip" } } : [];

        await GrpcDoor.AssertStatusAsync(StatusCode.ResourceExhausted, async () => await door.Api.ModelInferAsync(request, headers), "message", "size");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_compressed_message_is_read()
    {
        await using var door = await GrpcDoor.StartAsync();

        var response = await door.Api.ModelInferAsync(Requests.Raw("UINT8", [4], [1, 2, 3, 4]), new Metadata { { "grpc-internal-encoding-request", "gzip" } });

        Assert.Equal([1, 2, 3, 4], response.RawOutputContents[0].ToByteArray());
    }

    [Fact]
    public async Task A_large_answer_is_not_held_to_the_limit_of_requests()
    {
        await using var door = await GrpcDoor.StartAsync(Limit);
        door.Client.Answers(InferenceTensor.Create("OUTPUT0", new double[1_000_000]));

        Assert.Equal(8_000_000, (await door.Api.ModelInferAsync(Requests.Number(1))).RawOutputContents[0].Length);
    }

    private static async Task AssertAsync(GrpcDoor door, ModelInferRequest request, bool fits, params string[] fragments)
    {
        if (fits) await door.Api.ModelInferAsync(request);
        else await GrpcDoor.AssertStatusAsync(StatusCode.ResourceExhausted, async () => await door.Api.ModelInferAsync(request), fragments);
    }
}
