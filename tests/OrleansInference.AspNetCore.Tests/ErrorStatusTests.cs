using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

public sealed class ErrorStatusTests
{
    private static readonly string Request = Bodies.OneInput("FP32", "[1]", "[1]");

    [Theory]
    [InlineData(InferenceError.InvalidArgument, 400)]
    [InlineData(InferenceError.NotFound, 404)]
    [InlineData(InferenceError.NotReady, 503)]
    [InlineData(InferenceError.QueueFull, 429)]
    [InlineData(InferenceError.DeadlineExceeded, 504)]
    [InlineData(InferenceError.TooLarge, 413)]
    [InlineData(InferenceError.ModelFailed, 500)]
    [InlineData(InferenceError.Unavailable, 503)]
    public async Task Each_failure_has_its_status_and_keeps_its_message(InferenceError error, int status)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InferenceException(error, "model 'identity' has 7 of 5 \"things\""));

        var answer = await door.InferAsync("identity", Request);

        Assert.Equal("model 'identity' has 7 of 5 \"things\"", answer.AssertError(status));
    }

    [Fact]
    public void Every_failure_there_is_has_a_status_of_its_own_choice()
    {
        var covered = typeof(ErrorStatusTests).GetMethod(nameof(Each_failure_has_its_status_and_keeps_its_message))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Length;

        Assert.Equal(Enum.GetValues<InferenceError>().Length, covered);
    }

    [Fact]
    public async Task A_full_queue_is_429_and_says_when_to_come_back()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.QueueFull, "Exceeds maximum queue size 16"));

        var answer = await door.InferAsync("identity", Request);

        answer.AssertError(429, "16");
        Assert.Equal("1", answer.Headers["Retry-After"]);
    }

    [Fact]
    public async Task Only_a_full_queue_says_when_to_come_back()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.NotReady, "gone"));

        var answer = await door.InferAsync("identity", Request);

        answer.AssertError(503);
        Assert.False(answer.Headers.ContainsKey("Retry-After"));
    }

    [Fact]
    public async Task A_failure_that_nobody_foresaw_is_500_in_the_same_form()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InvalidOperationException("the cat sat on it"));

        (await door.InferAsync("identity", Request)).AssertError(500, "the cat sat on it");
    }

    [Fact]
    public async Task After_a_failure_the_next_request_is_answered()
    {
        await using var door = await FrontDoor.StartAsync();
        var echo = door.Client.Answer;
        door.Client.Fails(new InferenceException(InferenceError.ModelFailed, "it broke"));
        (await door.InferAsync("identity", Request)).AssertError(500, "it broke");
        door.Client.Answer = echo;

        (await door.InferAsync("identity", Request)).AssertOk();
    }

    [Theory]
    [InlineData("")]
    [InlineData("/ready")]
    [InlineData("/config")]
    [InlineData("/stats")]
    [InlineData("/versions/3")]
    public async Task An_unknown_model_is_404_and_named(string suffix)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.GetAsync($"/v2/models/nothing{suffix}")).AssertError(404, "'nothing'");
    }

    [Theory]
    [InlineData("..%2F..%2Fetc%2Fpasswd", "'..%2F..%2Fetc%2Fpasswd'")]
    [InlineData("..%5C..%5Cmodels", "'..\\..\\models'")]
    public async Task A_model_name_that_is_a_path_is_a_model_that_nobody_knows(string name, string shown)
    {
        await using var door = await FrontDoor.StartAsync();

        foreach (var suffix in new[] { "", "/ready", "/config", "/stats", "/versions/1" })
            (await door.GetAsync($"/v2/models/{name}{suffix}")).AssertError(404, shown);
        (await door.InferAsync(name, Request)).AssertError(404, shown);
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task Inference_on_an_unknown_model_is_404_before_the_body_is_looked_at()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("nothing", "{")).AssertError(404, "'nothing'");
    }

    [Fact]
    public async Task An_unknown_version_is_404_and_named()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity/versions/9", Request)).AssertError(404, "'identity'", "9");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("1.5")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    [InlineData("0x1")]
    [InlineData("%201")]
    public async Task A_version_that_is_no_number_is_400_and_named(string version)
    {
        await using var door = await FrontDoor.StartAsync();

        foreach (var suffix in new[] { "", "/ready", "/config", "/stats" })
            (await door.GetAsync($"/v2/models/identity/versions/{version}{suffix}")).AssertError(400, Uri.UnescapeDataString(version));
        (await door.InferAsync($"identity/versions/{version}", Request)).AssertError(400, Uri.UnescapeDataString(version));
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("loading", "version 1", "it is being warmed up")]
    [InlineData("broken", "'broken'", "config.json: 'inputs' is missing")]
    public async Task A_model_that_is_not_ready_is_503_with_the_reason(string model, string version, string reason)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync(model, Request)).AssertError(503, model, version, reason);
        foreach (var suffix in new[] { "", "/ready", "/config" })
            (await door.GetAsync($"/v2/models/{model}{suffix}")).AssertError(503, model, version, reason);
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v2/nothing")]
    [InlineData("/v2/models")]
    [InlineData("/v2/models/identity/nothing")]
    [InlineData("/v2/models/identity/versions")]
    [InlineData("/v2/models/..%2F..%2Fetc%2Fpasswd/nothing")]
    public async Task A_path_without_a_route_is_404_in_JSON(string path)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.GetAsync(path)).AssertError(404, "GET", "Not Found");
    }

    [Theory]
    [InlineData("DELETE", "/v2")]
    [InlineData("POST", "/v2/health/live")]
    [InlineData("POST", "/v2/models/identity")]
    [InlineData("PUT", "/v2/models/identity/versions/1/ready")]
    [InlineData("GET", "/v2/models/identity/infer")]
    [InlineData("GET", "/v2/models/identity/versions/1/infer")]
    [InlineData("GET", "/v2/repository/index")]
    [InlineData("PUT", "/v2/logging")]
    [InlineData("DELETE", "/v2/trace/setting")]
    [InlineData("GET", "/v2/repository/models/identity/load")]
    [InlineData("GET", "/v2/models/identity/generate_stream")]
    public async Task A_verb_that_the_route_does_not_take_is_405_in_JSON(string verb, string path)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.SendAsync(new(verb), path, null);

        answer.AssertError(405, verb, path);
        Assert.NotEmpty(answer.Headers["Allow"]);
    }
}
