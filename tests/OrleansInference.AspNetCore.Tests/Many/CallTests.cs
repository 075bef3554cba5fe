using System.IO.Compression;
using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

using static OrleansInference.AspNetCore.Tests.Many.ManyDoor;

namespace OrleansInference.AspNetCore.Tests.Many;

/// <summary>What is the matter with all of a call, and not with one of its requests.</summary>
public sealed class CallTests
{
    [Theory]
    [InlineData("nothing", 404, "'nothing'")]
    [InlineData("loading", 503, "warmed up")]
    [InlineData("broken", 503, "'inputs' is missing")]
    [InlineData("countdown", 400, "infer_many")]
    public async Task A_model_that_cannot_answer_is_an_ordinary_error(string model, int status, string message)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync($"/v2/models/{model}/infer_many", Lines(Number(1)))).AssertError(status, message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Completed")]
    [InlineData("input&order=completed")]
    public async Task Another_order_than_the_two_is_400_and_names_them(string order)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync($"{Route}?order={order}", Number(1))).AssertError(400, "'order'", "'input'", "'completed'");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Requests_may_be_compressed(string encoding)
    {
        await using var door = await FrontDoor.StartAsync();
        var requests = Enumerable.Range(0, 500).Select(number => Number(number));

        var answer = await door.SendAsync(HttpMethod.Post, Route, Encoded(encoding, Lines(requests)));

        Assert.Equal(Enumerable.Range(0, 500).Select(number => (float)number), answer.ReadLines().Select(line => line.Value()));
    }

    [Fact]
    public async Task Another_encoding_is_415()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.SendAsync(HttpMethod.Post, Route, Labelled("br", new byte[9]))).AssertError(415, "'br'");
    }

    [Fact]
    public async Task A_body_that_is_not_encoded_as_it_says_ends_with_a_line_that_says_so()
    {
        await using var door = await FrontDoor.StartAsync();

        var line = Assert.Single((await door.SendAsync(HttpMethod.Post, Route, Labelled("gzip", Encoding.UTF8.GetBytes(Number(1))))).ReadLines());

        Assert.Equal((0, 400), line.ReadStatus());
        Assert.Contains("Content-Encoding", line.Error(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[{0},{1}", "ends before the array does")]
    [InlineData("[{0},{1},", "ends before the array does")]
    [InlineData("[{0},{1} {0}]", "neither a comma")]
    [InlineData("[{0},{1}]]", "something follows the array")]
    public async Task A_broken_array_ends_with_a_line_that_says_so_behind_the_results_of_what_was_whole(string body, string message)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.PostAsync(
            Route, body.Replace("{0}", Number(1), StringComparison.Ordinal).Replace("{1}", Number(2), StringComparison.Ordinal));

        Assert.Equal([(0, 200), (1, 200), (2, 400)], answer.ReadStatuses());
        Assert.Contains(message, answer.ReadLines()[2].Error(), StringComparison.Ordinal);
        Assert.Equal(0, door.Memory.Held);
    }

    [Theory]
    [InlineData("[{}\n]")]
    [InlineData("{}\n{}\n")]
    public async Task A_body_reads_the_same_in_pieces_of_any_length(string form)
    {
        await using var door = await FrontDoor.StartAsync();
        var body = Encoding.UTF8.GetBytes(form.Replace("{}", Number(7, "ü"), StringComparison.Ordinal));
        var whole = (await door.SendAsync(HttpMethod.Post, Route, new ByteArrayContent(body))).Text;

        foreach (var size in new[] { 1, 2, 7, 50 })
            Assert.Equal(whole, (await door.SendAsync(HttpMethod.Post, Route, Bodies.Chunked(body, size))).Text);
        Assert.Contains("\"id\":\"ü\"", whole, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_unloaded_meanwhile_refuses_the_requests_that_come_then()
    {
        await using var door = await FrontDoor.StartAsync();
        var body = new System.IO.Pipelines.Pipe();
        using var lines = new StreamReader(await door.OpenAsync(Route, new StreamContent(body.Reader.AsStream())));
        await body.Writer.WriteAsync(Lines(Number(1)));
        Assert.Equal((0, 200), (await lines.ReadJsonAsync()).ReadStatus());

        var place = door.Client.Models.FindIndex(entry => entry.Id.Name == "identity");
        door.Client.Models[place] = Models.NotReady("identity", 1, ModelState.Unavailable, "unloaded");
        await body.Writer.WriteAsync(Lines(Number(1, "a")));

        var refused = await lines.ReadJsonAsync();
        Assert.Equal((1, 503), refused.ReadStatus());
        Assert.Contains("unloaded", refused.Error(), StringComparison.Ordinal);
        await body.Writer.CompleteAsync();
        Assert.Null(await lines.ReadLineAsync());
    }

    private static HttpContent Encoded(string encoding, string plain)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(target, CompressionMode.Compress) : new ZLibStream(target, CompressionMode.Compress))
            stream.Write(Encoding.UTF8.GetBytes(plain));
        return Labelled(encoding, target.ToArray());
    }

    private static HttpContent Labelled(string encoding, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return content;
    }
}
