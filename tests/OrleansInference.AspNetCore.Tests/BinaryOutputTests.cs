using System.Globalization;
using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The binary extension in answers.</summary>
public sealed class BinaryOutputTests
{
    private const string Input = """ "inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}] """;

    private static readonly byte[] First = Bodies.BytesOf(1.5f, -2f);

    private static readonly byte[] Second = [3, 0, 0, 0, 0xff, 0, 0x61];

    [Fact]
    public async Task All_outputs_are_binary_where_the_request_says_so()
    {
        var answer = await InferAsync("""{"parameters":{"binary_data_output":true},*}""");

        Assert.Equal("application/octet-stream", answer.ContentType);
        Assert.Equal([.. First, .. Second], answer.Blobs);
        Assert.Equal(8, Size(answer, 0));
        Assert.Equal(7, Size(answer, 1));
    }

    [Fact]
    public async Task The_header_gives_the_length_of_the_JSON_and_the_blobs_follow_at_once()
    {
        var answer = await InferAsync("""{"parameters":{"binary_data_output":true},"id":"ü",*}""");

        const string Json =
            """{"model_name":"identity","model_version":"1","id":"ü","outputs":[""" +
            """{"name":"OUTPUT0","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},""" +
            """{"name":"OUTPUT1","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}}]}""";
        Assert.Equal(Encoding.UTF8.GetByteCount(Json).ToString(CultureInfo.InvariantCulture), answer.Headers[Answer.HeaderLength]);
        Assert.Equal([.. Encoding.UTF8.GetBytes(Json), .. First, .. Second], answer.Body);
        Assert.Equal(answer.Body.Length.ToString(CultureInfo.InvariantCulture), answer.Headers["Content-Length"]);
    }

    [Fact]
    public async Task One_output_may_be_binary_beside_one_in_JSON()
    {
        var answer = await InferAsync("""{"outputs":[{"name":"OUTPUT0"},{"name":"OUTPUT1","parameters":{"binary_data":true}}],*}""");

        Assert.Equal("[1.5,-2]", answer.Outputs[0].GetProperty("data").GetRawText());
        Assert.False(answer.Outputs[0].TryGetProperty("parameters", out _));
        Assert.False(answer.Outputs[1].TryGetProperty("data", out _));
        Assert.Equal(Second, answer.Blobs);
    }

    [Fact]
    public async Task What_an_output_says_of_itself_precedes_what_the_request_says()
    {
        var answer = await InferAsync(
            """{"outputs":[{"name":"OUTPUT1"},{"name":"OUTPUT0","parameters":{"binary_data":false}}],*,"parameters":{"binary_data_output":true}}""");

        Assert.Equal("[1.5,-2]", answer.Outputs[0].GetProperty("data").GetRawText());
        Assert.Equal(Second, answer.Blobs);
    }

    [Theory]
    [InlineData("""{*}""")]
    [InlineData("""{"parameters":{"binary_data_output":false},"outputs":[{"name":"OUTPUT0","parameters":{"binary_data":false}}],*}""")]
    public async Task An_answer_without_blobs_is_JSON_without_the_header(string request)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", request.Replace("*", Input, StringComparison.Ordinal));

        answer.AssertOk();
        Assert.StartsWith("application/json", answer.ContentType, StringComparison.Ordinal);
        Assert.False(answer.Headers.ContainsKey(Answer.HeaderLength));
        Assert.Equal("[1]", answer.Json.GetProperty("outputs")[0].GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("""{"parameters":{"binary_data_output":1},*}""", "binary_data_output")]
    [InlineData("""{"parameters":{"binary_data_output":"true"},*}""", "binary_data_output")]
    [InlineData("""{"outputs":[{"name":"OUTPUT0","parameters":{"binary_data":0}}],*}""", "binary_data")]
    public async Task A_wish_that_is_neither_true_nor_false_is_400_and_named(string request, string parameter)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", request.Replace("*", Input, StringComparison.Ordinal))).AssertError(400, parameter, "true");
    }

    [Fact]
    public async Task Every_datatype_is_written_as_its_bytes()
    {
        await using var door = await FrontDoor.StartAsync();
        foreach (var type in Enum.GetValues<DataType>().Where(type => type != DataType.Bytes))
        {
            byte[] bytes = [.. Enumerable.Range(0, 2 * type.ElementSize()).Select(number => (byte)(number % 2))];
            door.Client.Answers(new InferenceTensor("OUTPUT0", type, [2], bytes));

            var answer = await door.InferAsync("identity", $$"""{"parameters":{"binary_data_output":true},{{Input}}}""");

            Assert.Equal(type.ToProtocolName(), answer.Outputs[0].GetProperty("datatype").GetString());
            Assert.Equal(bytes, answer.Blobs);
        }
    }

    [Fact]
    public async Task A_failure_of_a_binary_request_is_JSON_without_the_header()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.ModelFailed, "it broke"));

        var answer = await door.InferAsync("identity", $$"""{"parameters":{"binary_data_output":true},{{Input}}}""");

        answer.AssertError(500, "it broke");
        Assert.False(answer.Headers.ContainsKey(Answer.HeaderLength));
    }

    private static async Task<Answer> InferAsync(string request)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(new("OUTPUT0", DataType.Float32, [1, 2], First), new("OUTPUT1", DataType.Bytes, [1], Second));
        var answer = await door.InferAsync("identity", request.Replace("*", Input, StringComparison.Ordinal));
        answer.AssertOk();
        return answer;
    }

    private static int Size(Answer answer, int output) =>
        answer.Outputs[output].GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
}
