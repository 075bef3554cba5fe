using Grpc.Core;

using OrleansInference.AspNetCore.Tests.Grpc;
using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Loading and unloading, over REST and gRPC.</summary>
public sealed class ModelChangeTests
{
    [Theory]
    [InlineData("load", "")]
    [InlineData("load", "{}")]
    [InlineData("load", """{"parameters": {}}""")]
    [InlineData("unload", "")]
    [InlineData("unload", """{"parameters": {"unload_dependents": false}}""")]
    public async Task A_change_is_answered_with_nothing_when_it_is_done(string change, string body)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.PostAsync($"/v2/repository/models/simple/{change}", body);

        answer.AssertOk();
        Assert.Empty(answer.Body);
        Assert.Equal([$"{change} simple"], door.Client.Changes);
    }

    [Fact]
    public async Task A_change_over_gRPC_is_answered_when_it_is_done()
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.Api.RepositoryModelLoadAsync(new() { ModelName = "simple" });
        await door.Api.RepositoryModelUnloadAsync(new() { ModelName = "simple", Parameters = { ["unload_dependents"] = new() { BoolParam = true } } });

        Assert.Equal(["load simple", "unload simple"], door.Client.Changes);
    }

    [Theory]
    [InlineData(InferenceError.NotFound, 404, StatusCode.NotFound)]
    [InlineData(InferenceError.NotReady, 503, StatusCode.Unavailable)]
    public async Task A_change_that_fails_says_why(InferenceError error, int status, StatusCode code)
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.OnChange = change => Task.FromException(new InferenceException(error, $"failed to {change}"));

        (await door.Door.PostAsync("/v2/repository/models/nothing/load", "")).AssertError(status, "failed to load nothing");
        await GrpcDoor.AssertStatusAsync(code, async () => await door.Api.RepositoryModelLoadAsync(new() { ModelName = "nothing" }), "failed to load nothing");
        await GrpcDoor.AssertStatusAsync(code, async () => await door.Api.RepositoryModelUnloadAsync(new() { ModelName = "nothing" }), "failed to unload nothing");
    }

    [Theory]
    [InlineData("config", "{}")]
    [InlineData("file:1/model.pt", "AAAA")]
    [InlineData("file:../../outside", "AAAA")]
    public async Task A_configuration_or_a_file_in_the_request_is_refused_by_name(string parameter, string value)
    {
        await using var door = await GrpcDoor.StartAsync();

        var answer = await door.Door.PostAsync(
            "/v2/repository/models/simple/load", $$$"""{"parameters": {"{{{parameter}}}": "{{{value}}}"}}""");

        answer.AssertError(400, $"'{parameter}'");
        var message = new global::Inference.RepositoryModelLoadRequest { ModelName = "simple", Parameters = { [parameter] = new() { StringParam = value } } };
        await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, async () => await door.Api.RepositoryModelLoadAsync(message), $"'{parameter}'");
        Assert.Empty(door.Client.Changes);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"parameters": 5}""")]
    public async Task A_body_that_is_no_such_object_is_refused(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync("/v2/repository/models/simple/load", body)).AssertError(400, "failed to parse the request JSON buffer");

        Assert.Empty(door.Client.Changes);
    }
}
