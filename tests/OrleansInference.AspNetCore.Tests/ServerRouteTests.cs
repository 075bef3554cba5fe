using System.Text.Json;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

public sealed class ServerRouteTests
{
    [Fact]
    public async Task The_server_gives_its_name_version_and_extensions()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.GetAsync("/v2");

        answer.AssertOk();
        Assert.Equal(["name", "version", "extensions"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("orleans-inference", answer.Json.GetProperty("name").GetString());
        Assert.Matches(@"^\d+\.\d+", answer.Json.GetProperty("version").GetString());
        var extensions = answer.Json.GetProperty("extensions").EnumerateArray().Select(extension => extension.GetString()).ToList();
        Assert.Contains("binary_tensor_data", extensions);
        Assert.Contains("classification", extensions);
    }

    [Fact]
    public async Task A_process_that_serves_is_live_even_while_models_load()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.IsReady = false;

        var answer = await door.GetAsync("/v2/health/live");

        answer.AssertOk();
        Assert.Empty(answer.Body);
    }

    [Fact]
    public async Task Ready_is_an_empty_200_once_no_model_is_being_loaded()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.IsReady = false;
        (await door.GetAsync("/v2/health/ready")).AssertError(400, "being loaded");
        door.Client.IsReady = true;

        var answer = await door.GetAsync("/v2/health/ready");

        answer.AssertOk();
        Assert.Empty(answer.Body);
    }

    [Fact]
    public async Task A_server_that_shuts_down_is_live_but_no_longer_ready()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Lifetime.StopApplication();

        (await door.GetAsync("/v2/health/ready")).AssertError(503, "shutting down");
        (await door.GetAsync("/v2/health/live")).AssertOk();
    }

    [Theory]
    [InlineData("/v2/models/{model}/infer")]
    [InlineData("/v2/models/{model}/versions/{version}/infer")]
    public async Task The_OpenAPI_document_describes_inference_with_its_body_and_answers(string path)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.GetAsync("/openapi/v1.json");

        answer.AssertOk();
        Assert.Equal("OrleansInference", answer.Json.GetProperty("info").GetProperty("title").GetString());
        var infer = answer.Json.GetProperty("paths").GetProperty(path).GetProperty("post");
        var bodies = infer.GetProperty("requestBody").GetProperty("content");
        Assert.Equal(
            ["application/json", "application/octet-stream", "image/png", "image/jpeg"], bodies.EnumerateObject().Select(body => body.Name));
        var schema = bodies.GetProperty("application/json").GetProperty("schema");
        Assert.Equal(["id", "inputs", "outputs", "parameters"], Names(schema.GetProperty("properties")));
        Assert.Equal("inputs", Assert.Single(schema.GetProperty("required").EnumerateArray()).GetString());
        var answers = infer.GetProperty("responses").EnumerateObject().Select(response => response.Name).ToList();
        Assert.All(new[] { "200", "400", "404", "413", "429", "500", "503", "504" }, status => Assert.Contains(status, answers));
    }

    [Fact]
    public async Task The_OpenAPI_document_describes_tensors_as_the_wire_has_them()
    {
        await using var door = await FrontDoor.StartAsync();

        var schemas = (await door.GetAsync("/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas");

        Assert.Equal(["id", "model_name", "model_version", "outputs", "parameters"], Names(schemas.GetProperty("InferResponseBody").GetProperty("properties")));
        var tensor = schemas.GetProperty("InferTensorBody");
        Assert.Equal(["data", "datatype", "name", "parameters", "shape"], Names(tensor.GetProperty("properties")));
        Assert.Equal(["datatype", "name", "shape"], tensor.GetProperty("required").EnumerateArray().Select(name => name.GetString()).Order());
        Assert.Equal("integer", tensor.GetProperty("properties").GetProperty("shape").GetProperty("items").GetProperty("type").GetString());
    }

    [Fact]
    public async Task The_OpenAPI_document_lists_every_route()
    {
        await using var door = await FrontDoor.StartAsync();

        var paths = (await door.GetAsync("/openapi/v1.json")).Json.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();

        string[] model = ["", "/ready", "/config", "/stats", "/infer", "/infer_many", "/generate", "/generate_stream"];
        string[] expected =
        [
            "/v2", "/v2/health/live", "/v2/health/ready", "/v2/repository/index", "/v2/models/stats",
            "/v2/cluster", "/v2/cluster/silos/{silo}/drain", "/v2/cluster/silos/{silo}/resume",
            "/v2/logging", "/v2/trace/setting", "/v2/models/{model}/trace/setting",
            "/v2/repository/models/{model}/load", "/v2/repository/models/{model}/unload",
            .. model.Select(suffix => $"/v2/models/{{model}}{suffix}"),
            .. model.Select(suffix => $"/v2/models/{{model}}/versions/{{version}}{suffix}"),
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), paths.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("GET", "/v2/systemsharedmemory/status")]
    [InlineData("POST", "/v2/systemsharedmemory/region/r/register")]
    [InlineData("POST", "/v2/cudasharedmemory/unregister")]
    public async Task Shared_memory_says_that_it_is_not_supported(string verb, string path)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.SendAsync(new(verb), path, null)).AssertError(400, "shared memory is not supported");
    }

    [Fact]
    public async Task The_page_for_people_is_HTML()
    {
        await using var door = await FrontDoor.StartAsync();

        // The page lies in a folder, to which the path without a slash leads.
        var moved = await door.GetAsync("/scalar");
        Assert.Equal(302, moved.Status);
        Assert.EndsWith("scalar/", moved.Headers["Location"], StringComparison.Ordinal);
        var answer = await door.GetAsync("/scalar/");

        answer.AssertOk();
        Assert.StartsWith("text/html", answer.ContentType, StringComparison.Ordinal);
        Assert.Contains("<html", answer.Text, StringComparison.OrdinalIgnoreCase);
    }

    private static IEnumerable<string> Names(JsonElement members) =>
        members.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);
}
