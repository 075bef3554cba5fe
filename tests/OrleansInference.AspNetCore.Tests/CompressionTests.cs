using System.IO.Compression;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Requests and answers in gzip and in HTTP's deflate, which is a zlib stream.</summary>
public sealed class CompressionTests
{
    private static readonly byte[] Large = Bodies.BytesOf([.. Enumerable.Range(0, 1000).Select(number => number % 7f)]);

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task A_compressed_request_is_read_and_its_header_length_is_that_of_the_plain_json(string encoding)
    {
        await using var door = await FrontDoor.StartAsync();
        var json = """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}]}""";
        byte[] plain = [.. System.Text.Encoding.UTF8.GetBytes(json), .. Bodies.BytesOf(1f, 2)];

        var answer = await door.InferAsync("identity", Encoded(encoding, plain, headerLength: $"{json.Length}"));

        answer.AssertOk();
        Assert.Equal([1f, 2], door.Client.TheInput.ToArray<float>());
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("deflate", "deflate")]
    [InlineData("deflate;q=0.2, gzip;q=0.8", "gzip")]
    [InlineData("gzip;q=0.2, deflate;q=0.8", "deflate")]
    [InlineData("br, deflate", "deflate")]
    public async Task A_large_answer_is_compressed_as_the_caller_likes_best(string accepted, string expected)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.Raw(Large), accepted);

        answer.AssertOk();
        Assert.Equal(expected, answer.Headers["Content-Encoding"]);
        Assert.Contains("Accept-Encoding", answer.Headers["Vary"], StringComparison.Ordinal);
        var plain = answer with { Body = Decode(expected, answer.Body) };
        Assert.True(answer.Body.Length < plain.Body.Length / 2);
        Assert.Equal(Large, plain.Blobs);
    }

    [Theory]
    [InlineData("br")]
    [InlineData("identity")]
    [InlineData("gzip;q=0")]
    [InlineData("")]
    public async Task An_answer_is_plain_where_nothing_else_is_accepted(string accepted)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.Raw(Large), accepted);

        Assert.False(answer.Headers.ContainsKey("Content-Encoding"));
        Assert.Equal(Large, answer.Blobs);
    }

    [Fact]
    public async Task Small_answers_errors_and_metadata_are_never_compressed()
    {
        await using var door = await FrontDoor.StartAsync();

        var small = await door.InferAsync("identity", Bodies.Raw(Bodies.BytesOf(1f, 2)), "gzip, deflate");
        var error = await door.InferAsync("nothing", Bodies.Raw(Large), "gzip, deflate");
        var metadata = await door.SendAsync(HttpMethod.Get, "/v2/models/digits/config", null, acceptEncoding: "gzip, deflate");

        Assert.All([small, error, metadata], answer => Assert.False(answer.Headers.ContainsKey("Content-Encoding")));
        error.AssertError(404, "'nothing'");
    }

    [Fact]
    public async Task A_body_that_is_not_encoded_as_it_says_or_is_cut_short_is_400()
    {
        await using var door = await FrontDoor.StartAsync();
        var cut = Encode("gzip", Large)[..^12];

        (await door.InferAsync("identity", Labelled("gzip", Large))).AssertError(400, "Content-Encoding");
        (await door.InferAsync("identity", Labelled("deflate", Encode("gzip", Large)))).AssertError(400, "Content-Encoding");
        (await door.InferAsync("identity", Labelled("gzip", cut))).AssertError(400);
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_small_body_that_unpacks_to_more_than_the_limit_is_413()
    {
        await using var door = await FrontDoor.StartAsync(maxRequestBytes: 100_000);
        var bomb = Encode("gzip", new byte[10_000_000]);
        Assert.InRange(bomb.Length, 1, 100_000);

        (await door.InferAsync("identity", Labelled("gzip", bomb))).AssertError(413, "100000");
    }

    [Theory]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    public async Task Another_encoding_is_415_with_those_that_are_accepted(string encoding)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Labelled(encoding, Large));

        answer.AssertError(415, encoding.Split(',')[0]);
        Assert.Equal("gzip, deflate", answer.Headers["Accept-Encoding"]);
        Assert.Empty(door.Client.Requests);
    }

    private static HttpContent Encoded(string encoding, byte[] plain, string headerLength) =>
        Labelled(encoding, Encode(encoding, plain), headerLength);

    private static HttpContent Labelled(string encoding, byte[] body, string headerLength = "0")
    {
        var content = Bodies.WithHeaderLength(headerLength, body);
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return content;
    }

    private static byte[] Encode(string encoding, byte[] plain)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(target, CompressionMode.Compress) : new ZLibStream(target, CompressionMode.Compress))
            stream.Write(plain);
        return target.ToArray();
    }

    private static byte[] Decode(string encoding, byte[] body)
    {
        using var source = new MemoryStream(body);
        using Stream stream = encoding == "gzip" ? new GZipStream(source, CompressionMode.Decompress) : new ZLibStream(source, CompressionMode.Decompress);
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }
}
