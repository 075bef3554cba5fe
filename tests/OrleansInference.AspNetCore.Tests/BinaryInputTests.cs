using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The binary extension in requests: JSON, and behind it the tensors' bytes.</summary>
public sealed class BinaryInputTests
{
    [Fact]
    public async Task A_blob_becomes_the_input_that_announces_it()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("FP32", "[2]", 8), Bodies.BytesOf(1.5f, float.NaN)))).AssertOk();

        Assert.Equal("INPUT0", door.Client.TheInput.Name);
        Assert.Equal([2], door.Client.TheInput.Shape.ToArray());
        Assert.Equal([1.5f, float.NaN], door.Client.TheInput.ToArray<float>());
    }

    [Fact]
    public async Task Blobs_stand_in_the_order_of_their_inputs_with_JSON_between_them()
    {
        await using var door = await FrontDoor.StartAsync();
        const string Json = """
            {"inputs":[{"name":"A","shape":[2],"datatype":"INT16","parameters":{"binary_data_size":4}},
            {"name":"B","shape":[1],"datatype":"FP32","data":[2.5]},
            {"parameters":{"binary_data_size":1},"name":"C","shape":[1],"datatype":"BOOL"},
            {"name":"D","shape":[0],"datatype":"FP64","parameters":{"binary_data_size":0}},
            {"name":"E","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}
            """;

        var answer = await door.InferAsync(
            "identity", Bodies.Binary(Json, Bodies.BytesOf<short>(3, -3), [1], [], [1, 0, 0, 0, 0x61, 0, 0, 0, 0]));

        answer.AssertOk();
        var inputs = door.Client.TheRequest.Inputs;
        Assert.Equal(["A", "B", "C", "D", "E"], inputs.Select(input => input.Name));
        Assert.Equal([3, -3], inputs[0].ToArray<short>());
        Assert.Equal([2.5f], inputs[1].ToArray<float>());
        Assert.Equal([true], inputs[2].ToArray<bool>());
        Assert.Empty(inputs[3].ToArray<double>());
        Assert.Equal(["a", ""], inputs[4].ToStrings());
    }

    [Theory]
    [InlineData("application/octet-stream")]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task The_header_decides_and_not_the_content_type(string contentType)
    {
        await using var door = await FrontDoor.StartAsync();
        var body = Bodies.Binary(Announcing("UINT8", "[3]", 3), [1, 2, 3]);
        body.Headers.ContentType = new(contentType);

        (await door.InferAsync("identity", body)).AssertOk();

        Assert.Equal([1, 2, 3], door.Client.TheInput.ToArray<byte>());
    }

    [Fact]
    public async Task Chunked_blobs_arrive_whole()
    {
        await using var door = await FrontDoor.StartAsync();
        var numbers = Enumerable.Range(0, 30_000).ToArray();
        var json = Encoding.UTF8.GetBytes(Announcing("INT32", "[30000]", 120_000));
        var body = Bodies.Chunked([.. json, .. Bodies.BytesOf(numbers)]);
        body.Headers.TryAddWithoutValidation(Answer.HeaderLength, $"{json.Length}");

        (await door.InferAsync("identity", body)).AssertOk();

        Assert.Equal(numbers, door.Client.TheInput.ToArray<int>());
    }

    [Fact]
    public async Task A_header_that_covers_the_whole_body_is_JSON_alone()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Bodies.OneInput("FP32", "[1]", "[1]")))).AssertOk();
    }

    [Fact]
    public async Task A_blob_shorter_than_announced_is_400_and_names_the_input()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("FP32", "[2]", 8), [1, 2, 3])))
            .AssertError(400, "unexpected size for input 'INPUT0'", "5 additional bytes", "'identity'");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_body_longer_than_announced_is_400_and_says_by_how_much()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("FP32", "[1]", 4), new byte[7])))
            .AssertError(400, "unexpected additional input data", "'identity'", "3 bytes");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("FP32", "[3]", 8)]
    [InlineData("FP32", "[1]", 8)]
    [InlineData("INT64", "[2]", 15)]
    [InlineData("FP32", "[1]", 0)]
    [InlineData("UINT8", "[9223372036854775807]", 8)]
    [InlineData("BYTES", "[1]", 3)]
    public async Task A_blob_that_does_not_fill_the_shape_is_400_and_names_the_input(string datatype, string shape, int size)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing(datatype, shape, size), new byte[size]))).AssertError(400, "'INPUT0'");
    }

    [Theory]
    [InlineData("FFFFFFFF61", "4294967295")]
    [InlineData("0200000061", "claims 2")]
    [InlineData("010000006101000000", "claims 1")]
    [InlineData("01000000610100000062", "2 elements")]
    public async Task Byte_strings_that_lie_about_their_lengths_are_400(string bytes, string claim)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("BYTES", "[1]", bytes.Length / 2), Convert.FromHexString(bytes))))
            .AssertError(400, "'INPUT0'", claim);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"8\"")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("9223372036854775808")]
    public async Task A_size_that_is_no_size_is_400(string size)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("FP32", "[2]", size), new byte[8]))).AssertError(400, "'binary_data_size'", "0");
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("4294967304")]
    public async Task A_size_beyond_the_body_is_400_however_large(string size)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Binary(Announcing("FP32", "[2]", size), new byte[8]))).AssertError(400, "'INPUT0'");
    }

    [Fact]
    public async Task An_input_with_both_data_and_a_blob_is_400()
    {
        await using var door = await FrontDoor.StartAsync();
        const string Json = """{"inputs":[{"name":"A","shape":[1],"datatype":"UINT8","data":[1],"parameters":{"binary_data_size":1}}]}""";

        (await door.InferAsync("identity", Bodies.Binary(Json, [1]))).AssertError(400, "Input must set only one", "'A'", "both");
    }

    [Fact]
    public async Task An_announced_blob_without_the_header_is_400()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Announcing("FP32", "[2]", 8))).AssertError(400, "'INPUT0'", "8 additional bytes");
    }

    [Theory]
    [InlineData("1000")]
    [InlineData("99999999999")]
    [InlineData("99999999999999999999")]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("1.5")]
    [InlineData("0x10")]
    [InlineData("abc")]
    [InlineData("1,2")]
    public async Task A_header_that_is_no_length_within_the_body_is_400_and_shown(string header)
    {
        await using var door = await FrontDoor.StartAsync();
        var body = Encoding.UTF8.GetBytes(Bodies.OneInput("FP32", "[1]", "[1]"));

        (await door.InferAsync("identity", Bodies.WithHeaderLength(header, body)))
            .AssertError(400, Answer.HeaderLength, $"'{header}'", $"{body.Length} bytes");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_header_that_cuts_the_JSON_is_400()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.WithHeaderLength("20", Encoding.UTF8.GetBytes(Bodies.OneInput("FP32", "[1]", "[1]")))))
            .AssertError(400, "failed to parse the request JSON buffer");
    }

    private static string Announcing(string datatype, string shape, object size) =>
        $$"""{"inputs":[{"name":"INPUT0","shape":{{shape}},"datatype":"{{datatype}}","parameters":{"binary_data_size":{{size}}{{"}}]}"}}""";
}
