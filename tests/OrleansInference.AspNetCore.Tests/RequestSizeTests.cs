using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

public sealed class RequestSizeTests
{
    private const int Limit = 2048;

    [Fact]
    public async Task A_body_that_announces_more_than_the_limit_is_413_and_names_both()
    {
        await using var door = await FrontDoor.StartAsync(Limit);

        (await door.InferAsync("identity", new ByteArrayContent(new byte[Limit + 1]))).AssertError(413, "2049", "2048", "MaxRequestBytes");
    }

    [Fact]
    public async Task A_chunked_body_that_grows_past_the_limit_is_413_and_names_it()
    {
        await using var door = await FrontDoor.StartAsync(Limit);

        (await door.InferAsync("identity", Bodies.Chunked(new byte[100 * Limit]))).AssertError(413, "2048", "MaxRequestBytes");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_of_exactly_the_limit_is_answered(bool chunked)
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var body = System.Text.Encoding.UTF8.GetBytes(Bodies.OneInput("FP32", "[1]", "[1]").PadRight(Limit));

        var answer = await door.InferAsync("identity", chunked ? Bodies.Chunked(body) : new ByteArrayContent(body));

        answer.AssertOk();
    }

    [Theory]
    [InlineData("FP64", 8)]
    [InlineData("FP32", 4)]
    public async Task Numbers_that_are_short_as_text_but_long_as_tensors_are_413_and_name_the_input(string datatype, int size)
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var fits = Limit / size;

        (await door.InferAsync("identity", Zeros(datatype, fits))).AssertOk();
        (await door.InferAsync("identity", Zeros(datatype, fits + 1))).AssertError(413, "2048", "'INPUT0'", $"[{fits + 1}]");
    }

    [Fact]
    public async Task All_tensors_of_a_request_count_together()
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var first = $$"""{"name":"A","datatype":"FP64","shape":[200],"data":[{{Repeat("0", 200)}}]}""";
        var second = $$"""{"name":"B","datatype":"FP64","shape":[57],"data":[{{Repeat("0", 57)}}]}""";

        (await door.InferAsync("identity", $$"""{"inputs":[{{first}},{{second}}]}""")).AssertError(413, "'B'", "[57]", "2048");
    }

    [Fact]
    public async Task Binary_tensors_count_too()
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var json = $$"""
            {"inputs":[{"name":"A","datatype":"FP64","shape":[200],"data":[{{Repeat("0", 200)}}]},
            {"name":"B","datatype":"UINT8","shape":[449],"parameters":{"binary_data_size":449} }]}
            """;

        (await door.InferAsync("identity", Bodies.Binary(json, new byte[449]))).AssertError(413, "'B'", "[449]", "2048");
    }

    [Fact]
    public async Task Byte_strings_count_with_their_lengths()
    {
        await using var door = await FrontDoor.StartAsync(Limit);

        (await door.InferAsync("identity", Bodies.OneInput("BYTES", "[512]", $"[{Repeat("\"\"", 512)}]"))).AssertOk();
        (await door.InferAsync("identity", Bodies.OneInput("BYTES", "[513]", $"[{Repeat("\"\"", 513)}]"))).AssertError(413, "'INPUT0'", "[513]");
    }

    [Fact]
    public async Task A_raw_picture_over_the_limit_is_413()
    {
        await using var door = await FrontDoor.StartAsync(Limit);

        (await door.InferAsync("digits", Bodies.OfType("image/png", new byte[Limit + 1]))).AssertError(413, "2049", "2048");
    }

    [Fact]
    public async Task The_index_takes_no_endless_body_either()
    {
        await using var door = await FrontDoor.StartAsync(Limit);

        var answer = await door.SendAsync(HttpMethod.Post, "/v2/repository/index", Bodies.Chunked(new byte[100 * Limit]));

        answer.AssertError(413, "2048", "MaxRequestBytes");
    }

    [Fact]
    public async Task After_a_refused_body_the_next_request_is_answered()
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        (await door.InferAsync("identity", Bodies.Chunked(new byte[100 * Limit]))).AssertError(413);

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertOk();
    }

    [Fact]
    public async Task A_large_answer_is_not_held_to_the_limit_of_requests()
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        door.Client.Answers(InferenceTensor.Create("OUTPUT0", new double[100_000]));

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"));

        Assert.Equal(100_000, answer.Outputs[0].GetProperty("data").GetArrayLength());
    }

    private static string Zeros(string datatype, int count) => Bodies.OneInput(datatype, $"[{count}]", $"[{Repeat("0", count)}]");

    private static string Repeat(string element, int count) => string.Join(',', Enumerable.Repeat(element, count));
}
