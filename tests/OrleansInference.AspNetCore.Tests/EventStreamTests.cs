using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Responses as server-sent events.</summary>
public sealed class EventStreamTests
{
    private const int Limit = 60_000;

    [Fact]
    public async Task Every_response_is_an_event()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        var answer = await door.PostAsync("/v2/models/countdown/generate_stream", """{"id": "a", "FROM": 2}""");

        answer.AssertOk();
        Assert.StartsWith("text/event-stream", answer.ContentType, StringComparison.Ordinal);
        Assert.Equal(
            "data: {\"model_name\":\"countdown\",\"model_version\":\"1\",\"id\":\"a\",\"NUMBER\":1,\"DONE\":false}\n\n" +
            "data: {\"model_name\":\"countdown\",\"model_version\":\"1\",\"id\":\"a\",\"NUMBER\":0,\"DONE\":true}\n\n",
            answer.Text);
    }

    [Fact]
    public async Task A_model_that_answers_once_gives_one_event()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.PostAsync("/v2/models/identity/generate_stream", """{"INPUT0": 5}""");

        Assert.Equal("data: {\"model_name\":\"identity\",\"model_version\":\"1\",\"OUTPUT0\":5}\n\n", answer.Text);
    }

    [Fact]
    public async Task An_ordinary_inference_of_a_model_that_answers_more_than_once_is_a_stream_of_ordinary_answers()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        var answer = await door.InferAsync("countdown", Bodies.OneInput("INT32", "[1,1]", "[2]", "FROM"));

        answer.AssertOk();
        Assert.StartsWith("text/event-stream", answer.ContentType, StringComparison.Ordinal);
        var events = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, events.Length);
        Assert.Equal(
            """data: {"model_name":"countdown","model_version":"1","outputs":[{"name":"NUMBER","datatype":"INT32","shape":[1,1],"data":[1]},{"name":"DONE","datatype":"BOOL","shape":[1,1],"data":[false]}]}""",
            events[0]);
    }

    [Fact]
    public async Task A_stream_has_no_binary_outputs()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        var answer = await door.InferAsync(
            "countdown",
            """{"parameters":{"binary_data_output":true},"inputs":[{"name":"FROM","datatype":"INT32","shape":[1,1],"data":[2]}]}""");

        answer.AssertError(400, "'NUMBER' cannot be binary");
    }

    [Theory]
    [InlineData(InferenceError.InvalidArgument, 400)]
    [InlineData(InferenceError.QueueFull, 429)]
    [InlineData(InferenceError.DeadlineExceeded, 504)]
    [InlineData(InferenceError.ModelFailed, 500)]
    public async Task An_error_before_the_first_response_has_its_status(InferenceError error, int status)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (_, _) => Countdown.FailAsync(0, new InferenceException(error, "not today"));

        (await door.PostAsync("/v2/models/countdown/generate_stream", """{"id": "9", "FROM": 2}"""))
            .AssertError(status, "[request id: 9] not today");
    }

    [Fact]
    public async Task An_error_after_it_is_the_last_event()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (_, _) => Countdown.FailAsync(2, new InferenceException(InferenceError.ModelFailed, "not any more"));

        var answer = await door.PostAsync("/v2/models/countdown/generate_stream", """{"id": "9", "FROM": 2}""");

        answer.AssertOk();
        var events = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, events.Length);
        Assert.Equal("""data: {"error":"[request id: 9] not any more"}""", events[2]);
    }

    [Fact]
    public async Task Events_come_uncompressed_whatever_is_accepted()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        var answer = await door.SendAsync(
            HttpMethod.Post, "/v2/models/countdown/generate_stream", Bodies.Json("""{"FROM": 100}"""), acceptEncoding: "gzip, deflate");

        Assert.StartsWith("data: {", answer.Text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limit)]
    public async Task Each_event_is_sent_when_its_response_is_there()
    {
        await using var door = await FrontDoor.StartAsync();
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Stream = (_, _) => RespondAsync();
        async IAsyncEnumerable<InferenceResponse> RespondAsync()
        {
            yield return Countdown.Respond(1);
            await second.Task;
            yield return Countdown.Respond(0);
        }

        using var reader = new StreamReader(await door.OpenAsync("/v2/models/countdown/generate_stream", """{"FROM": 2}"""));

        Assert.Contains("\"NUMBER\":1", await reader.ReadLineAsync(), StringComparison.Ordinal);
        second.SetResult();
        Assert.Contains("\"NUMBER\":0", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limit)]
    public async Task A_caller_that_leaves_ends_the_stream_in_the_cluster()
    {
        await using var door = await FrontDoor.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Stream = (_, cancellationToken) => RespondAsync(cancellationToken);
        async IAsyncEnumerable<InferenceResponse> RespondAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            try
            {
                yield return Countdown.Respond(1);
                await cancellationToken.WhenCancelledAsync();
            }
            finally
            {
                ended.SetResult();
            }
        }

        var reader = new StreamReader(await door.OpenAsync("/v2/models/countdown/generate_stream", """{"FROM": 2}"""));
        await reader.ReadLineAsync();
        reader.Dispose();

        await ended.Task;
    }
}
