using Google.Protobuf;

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

        Assert.Equal(["load simple", "unload simple with dependents"], door.Client.Changes);
        Assert.Equal([null], door.Client.Overrides);
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

    [Fact]
    public async Task A_configuration_and_files_are_passed_on_alike_over_both()
    {
        await using var door = await GrpcDoor.StartAsync();

        (await door.Door.PostAsync(
            "/v2/repository/models/simple/load",
            """{"parameters": {"config": "{\"max_batch_size\": 4}", "file:1/model.pt": "AQID", "file:1/more/weights.bin": ""}}""")).AssertOk();
        await door.Api.RepositoryModelLoadAsync(new()
        {
            ModelName = "simple",
            Parameters =
            {
                ["config"] = new() { StringParam = """{"max_batch_size": 4}""" },
                ["file:1/model.pt"] = new() { BytesParam = ByteString.CopyFrom(1, 2, 3) },
                ["file:1/more/weights.bin"] = new() { BytesParam = ByteString.Empty },
            },
        });

        Assert.Equal(2, door.Client.Overrides.Count);
        Assert.All(door.Client.Overrides, content =>
        {
            Assert.Equal("""{"max_batch_size": 4}""", content!.Configuration);
            Assert.Equal([3, 0], content.Files.OrderBy(file => file.Path).Select(file => file.Content.Length));
            Assert.Equal([1, 2, 3], content.Files.Single(file => file.Path == "1/model.pt").Content);
        });
    }

    [Theory]
    [InlineData("load", """ "colour": "red" """, "parameter 'colour' is not supported")]
    [InlineData("load", """ "unload_dependents": true """, "parameter 'unload_dependents' is not supported")]
    [InlineData("load", """ "config": {} """, "parameter 'config' is the model's configuration")]
    [InlineData("load", """ "config": null """, "parameter 'config' is the model's configuration")]
    [InlineData("load", """ "file:1/model.pt": "AAAA" """, "parameter 'file:1/model.pt' needs the parameter 'config'")]
    [InlineData("load", """ "config": "{}", "file:1/model.pt": "?" """, "parameter 'file:1/model.pt' is not in base64")]
    [InlineData("load", """ "config": "{}", "file:1/model.pt": 5 """, "parameter 'file:1/model.pt' is a file's content")]
    [InlineData("unload", """ "config": "{}" """, "parameter 'config' is not supported")]
    [InlineData("unload", """ "unload_dependents": "yes" """, "parameter 'unload_dependents' is true or false")]
    [InlineData("load", """ "config": "{}", "config": "{}" """, "Duplicate")]
    [InlineData("load", """ "config": "{}", "file:1/model.pt": "", "file:1/model.pt": "" """, "Duplicate")]
    [InlineData("unload", """ "unload_dependents": true, "unload_dependents": false """, "Duplicate")]
    [InlineData("load", """ "config": "\ud800" """, "a string is not valid UTF-8")]
    [InlineData("load", """ "config": "{}", "file:1/\ud800": "" """, "failed to parse the request JSON buffer")]
    [InlineData("unload", """ "\ud800": true """, "failed to parse the request JSON buffer")]
    public async Task A_parameter_that_is_not_what_it_should_be_is_refused_by_name(string change, string parameters, string reason)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync($"/v2/repository/models/simple/{change}", $$"""{"parameters": { {{parameters}} } }""")).AssertError(400, reason);

        Assert.Empty(door.Client.Changes);
    }

    [Fact]
    public async Task So_it_is_over_gRPC()
    {
        await using var door = await GrpcDoor.StartAsync();

        await RefusedAsync(new() { ["colour"] = new() { StringParam = "red" } }, "'colour' is not supported");
        await RefusedAsync(new() { ["config"] = new() { Int64Param = 5 } }, "'config' is the model's configuration");
        await RefusedAsync(new() { ["config"] = new() { StringParam = "{}" }, ["file:1/model.pt"] = new() { StringParam = "AAAA" } }, "is a file's content");
        Assert.Empty(door.Client.Changes);

        Task RefusedAsync(Dictionary<string, global::Inference.ModelRepositoryParameter> parameters, string reason) => GrpcDoor.AssertStatusAsync(
            StatusCode.InvalidArgument,
            async () => await door.Api.RepositoryModelLoadAsync(new() { ModelName = "simple", Parameters = { parameters } }),
            reason);
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
