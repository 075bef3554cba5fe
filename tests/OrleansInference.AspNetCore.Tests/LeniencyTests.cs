using System.Net.Http.Headers;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Where requests may differ from the letter, and where they must not be taken for something else.</summary>
public sealed class LeniencyTests
{
    [Fact]
    public async Task Optional_members_may_be_null()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync(
            "identity",
            """
            {"id": null, "parameters": null, "outputs": null,
             "inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1], "parameters": null, "data": [1]}]}
            """);

        answer.AssertOk();
        Assert.False(answer.Json.TryGetProperty("id", out _));
    }

    [Fact]
    public async Task Required_members_may_not()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", """{"inputs": null}""")).AssertError(400, "'inputs'");
        (await door.InferAsync("identity", Bodies.OneInput("FP32", "null", "[1]"))).AssertError(400, "'shape'", "'INPUT0'");
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("simple")]
    public async Task A_picture_for_a_model_that_takes_none_is_400_and_not_taken_for_numbers(string model)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync(model, Bodies.OfType("image/png", Bodies.BytesOf(1f, 2)))).AssertError(400, "'image/png'", $"'{model}'");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task The_version_stands_in_the_path_and_nowhere_else()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.GetAsync("/v2/models/simple/ready?version=9")).AssertOk();
        (await door.GetAsync("/v2/models/simple/ready?version=abc")).AssertOk();
    }

    [Fact]
    public async Task Two_header_lengths_are_400()
    {
        await using var door = await FrontDoor.StartAsync();
        var content = Bodies.WithHeaderLength("2", "{}"u8.ToArray());
        ((HttpHeaders)content.Headers).TryAddWithoutValidation(Answer.HeaderLength, "2");

        (await door.InferAsync("identity", content)).AssertError(400, "Inference-Header-Content-Length");
    }

    [Theory]
    [InlineData("inputs")]
    [InlineData("outputs")]
    public async Task A_request_has_no_more_tensors_than_can_be_meant(string member)
    {
        await using var door = await FrontDoor.StartAsync();
        var item = """{"name":"INPUT0","datatype":"FP32","shape":[0],"data":[]}""";
        var items = string.Join(',', Enumerable.Repeat(item, 1025));

        (await door.InferAsync("identity", $$"""{"{{member}}": [{{items}}]}""")).AssertError(400, $"'{member}'", "1024");
    }
}
