using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.AspNetCore.Tests.Many;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The API's description, which lies in the repository for reviewers to see it change.</summary>
public sealed class OpenApiTests
{
    /// <summary>Set to 1, the file is written instead of compared.</summary>
    private const string Switch = "UPDATE_OPENAPI";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_description_is_the_one_in_the_repository()
    {
        await using var door = await FrontDoor.StartAsync();
        var served = JsonNode.Parse((await door.GetAsync("/openapi/v1.json")).Text)!.AsObject();
        served.Remove("servers"); // The address that was asked.
        var text = served.ToJsonString(Indented) + "\n";
        var file = Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../src/OrleansInference.AspNetCore/openapi.json");

        if (Environment.GetEnvironmentVariable(Switch) == "1") await File.WriteAllTextAsync(file, text);

        Assert.True(
            text == await File.ReadAllTextAsync(file),
            $"The API and openapi.json differ. If the change is meant, run this test with {Switch}=1 and commit the file.");
    }

    [Fact]
    public async Task The_example_of_an_inference_works_as_it_is()
    {
        await using var door = await FrontDoor.StartAsync();
        var infer = (await door.GetAsync("/openapi/v1.json")).Json
            .GetProperty("paths").GetProperty("/v2/models/{model}/infer").GetProperty("post");
        var example = infer.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText();

        var answer = await door.InferAsync("identity", example);

        answer.AssertOk();
        var expected = infer.GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("example");
        Assert.True(JsonElement.DeepEquals(expected, answer.Json), answer.Text);
    }

    [Fact]
    public async Task The_example_of_many_is_answered_each_by_itself()
    {
        await using var door = await FrontDoor.StartAsync();
        var example = (await door.GetAsync("/openapi/v1.json")).Json
            .GetProperty("paths").GetProperty("/v2/models/{model}/infer_many").GetProperty("post")
            .GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText();

        var answer = await door.PostAsync(ManyDoor.Route, example);

        Assert.Equal([(0, 200), (1, 400)], answer.ReadStatuses());
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
