using Inference;

using OrleansInference.AspNetCore.Tests.Grpc;
using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The parameter by which a model keeps requests together.</summary>
public sealed class RoutingKeyTests
{
    [Theory]
    [InlineData("\"user 7\"", "user 7")]
    [InlineData("7", "7")]
    [InlineData("7.50", "7.50")]
    [InlineData("true", "true")]
    [InlineData("\"NaN\"", "NaN")]
    [InlineData("null", null)]
    public async Task Its_value_is_the_requests_routing_key(string value, string? expected)
    {
        await using var door = await FrontDoor.StartAsync();
        MakeSticky(door.Client);

        (await door.InferAsync("identity", Request(value))).AssertOk();
        (await door.PostAsync("/v2/models/identity/generate", $$"""{"INPUT0": [1], "user": {{value}}}""")).AssertOk();

        Assert.All(door.Client.Requests, request => Assert.Equal(expected, request.RoutingKey));
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{}")]
    public async Task A_value_that_is_no_text_number_or_truth_is_refused(string value)
    {
        await using var door = await FrontDoor.StartAsync();
        MakeSticky(door.Client);

        (await door.InferAsync("identity", Request(value))).AssertError(400, "parameters.user");
    }

    [Theory]
    [InlineData(1024, 200)]
    [InlineData(1025, 400)]
    public async Task A_value_has_a_limit(int length, int status)
    {
        await using var door = await FrontDoor.StartAsync();
        MakeSticky(door.Client);

        var answer = await door.InferAsync("identity", Request($"\"{new string('x', length)}\""));

        Assert.Equal(status, answer.Status);
        if (status == 400) answer.AssertError(400, "parameter 'user' has 1025 characters, the limit is 1024");
    }

    [Fact]
    public async Task A_model_that_keeps_nothing_together_passes_it_over()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request("[1]"))).AssertOk();

        Assert.Null(door.Client.TheRequest.RoutingKey);
    }

    public static TheoryData<InferParameter, string> Values => new()
    {
        { new() { StringParam = "user 7" }, "user 7" },
        { new() { Int64Param = -7 }, "-7" },
        { new() { Uint64Param = 7 }, "7" },
        { new() { DoubleParam = 0.5 }, "0.5" },
        { new() { BoolParam = false }, "false" },
    };

    [Theory]
    [MemberData(nameof(Values), DisableDiscoveryEnumeration = true)]
    public async Task Messages_have_it_too(InferParameter value, string expected)
    {
        await using var door = await GrpcDoor.StartAsync();
        MakeSticky(door.Client);
        var request = Requests.Number(1);
        request.Parameters["user"] = value;

        await door.Api.ModelInferAsync(request);

        Assert.Equal(expected, door.Client.TheRequest.RoutingKey);
    }

    private static void MakeSticky(ScriptedClient client)
    {
        var place = client.Models.FindIndex(model => model.Id.Name == "identity");
        var model = client.Models[place];
        client.Models[place] = model with { Descriptor = model.Descriptor! with { Routing = new() { StickyParameter = "user" } } };
    }

    private static string Request(string value) =>
        $$$"""{"parameters":{"user":{{{value}}}},"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}]}""";
}
