using System.Collections.Concurrent;
using System.Runtime.InteropServices;

using Grpc.Core;

using Inference;

using OrleansInference.AspNetCore.Grpc;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class StreamTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task Answers_come_in_the_order_of_their_requests_whichever_is_ready_first()
    {
        await using var door = await GrpcDoor.StartAsync();
        var echo = door.Client.Answer;
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Answer = async (request, cancellationToken) =>
        {
            if (request.Id == "9") last.SetResult();
            else await last.Task;
            return await echo(request, cancellationToken);
        };
        using var stream = door.Api.ModelStreamInfer();
        for (var i = 0; i < 10; i++) await stream.RequestStream.WriteAsync(Requests.Number(i, $"{i}"));
        await stream.RequestStream.CompleteAsync();

        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), answers.Select(answer => answer.InferResponse.Id));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (float)i), answers.Select(NumberOf));
        Assert.All(answers, answer => Assert.Empty(answer.ErrorMessage));
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_answer_is_the_final_one_of_its_request(bool emptyFinalResponse)
    {
        await using var door = await GrpcDoor.StartAsync();
        using var stream = door.Api.ModelStreamInfer();
        var request = Requests.Number(4);
        if (emptyFinalResponse) request.Parameters["triton_enable_empty_final_response"] = new() { BoolParam = true };
        await stream.RequestStream.WriteAsync(request);
        await stream.RequestStream.CompleteAsync();

        var answer = Assert.Single(await stream.ResponseStream.ReadAllAsync().ToListAsync());

        Assert.True(answer.InferResponse.Parameters["triton_final_response"].BoolParam);
        Assert.Equal(4, NumberOf(answer));
    }

    [Fact(Timeout = Limit)]
    public async Task A_request_that_fails_is_answered_with_its_error_and_the_stream_goes_on()
    {
        await using var door = await GrpcDoor.StartAsync();
        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(Requests.Number(1));
        await stream.RequestStream.WriteAsync(new() { ModelName = "nothing", Id = "n" });
        await stream.RequestStream.WriteAsync(Requests.Raw("FP32", [2], [1]));
        await stream.RequestStream.WriteAsync(Requests.Number(2));
        await stream.RequestStream.CompleteAsync();

        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(4, answers.Count);
        Assert.StartsWith("[request id: n] Request for unknown model: 'nothing'", answers[1].ErrorMessage, StringComparison.Ordinal);
        Assert.Equal("n", answers[1].InferResponse.Id);
        Assert.Contains("'INPUT0'", answers[2].ErrorMessage, StringComparison.Ordinal);
        Assert.Equal([1f, 2f], new[] { answers[0], answers[3] }.Select(NumberOf));
    }

    [Fact(Timeout = Limit)]
    public async Task A_caller_may_have_the_first_error_end_the_stream_with_its_status()
    {
        await using var door = await GrpcDoor.StartAsync();
        using var stream = door.Api.ModelStreamInfer(new Metadata { { "triton_grpc_error", "true" } });
        await stream.RequestStream.WriteAsync(Requests.Number(1));
        await stream.RequestStream.WriteAsync(new() { ModelName = "nothing", Id = "n" });

        Assert.True(await stream.ResponseStream.MoveNext());
        Assert.Equal(1, NumberOf(stream.ResponseStream.Current));
        await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, () => stream.ResponseStream.MoveNext(), "[request id: n]", "'nothing'");
    }

    [Fact(Timeout = Limit)]
    public async Task A_stream_has_a_bounded_number_of_requests_under_way()
    {
        const int Requested = 4 * StreamInference.MaxInFlight;
        await using var door = await GrpcDoor.StartAsync();
        var echo = door.Client.Answer;
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var levels = new ConcurrentBag<int>();
        var underWay = 0;
        door.Client.Answer = async (request, cancellationToken) =>
        {
            var level = Interlocked.Increment(ref underWay);
            levels.Add(level);
            if (level == StreamInference.MaxInFlight) full.TrySetResult();
            await release.Task;
            Interlocked.Decrement(ref underWay);
            return await echo(request, cancellationToken);
        };
        using var stream = door.Api.ModelStreamInfer();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Requested; i++) await stream.RequestStream.WriteAsync(Requests.Number(i));
            await stream.RequestStream.CompleteAsync();
        });

        await full.Task;
        release.SetResult();
        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        await sending;
        Assert.Equal(Enumerable.Range(0, Requested).Select(i => (float)i), answers.Select(NumberOf));
        Assert.InRange(levels.Max(), 1, StreamInference.MaxInFlight);
    }

    [Fact(Timeout = Limit)]
    public async Task A_message_over_the_limit_ends_the_stream_behind_the_answers_before_it()
    {
        await using var door = await GrpcDoor.StartAsync(2048);
        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(Requests.Number(1));
        var tooMuch = stream.RequestStream.WriteAsync(Requests.Raw("UINT8", [1024 * 1024], new byte[1024 * 1024]));

        Assert.True(await stream.ResponseStream.MoveNext());
        Assert.Equal(1, NumberOf(stream.ResponseStream.Current));
        await GrpcDoor.AssertStatusAsync(StatusCode.ResourceExhausted, () => stream.ResponseStream.MoveNext());
        // The server may have ended the stream before all of it was sent.
        await tooMuch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact(Timeout = Limit)]
    public async Task A_server_that_stops_answers_what_a_stream_has_asked_and_ends_it()
    {
        await using var door = await GrpcDoor.StartAsync();
        var echo = door.Client.Answer;
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Answer = async (request, cancellationToken) =>
        {
            asked.SetResult();
            await release.Task;
            return await echo(request, cancellationToken);
        };
        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(Requests.Number(1));
        await asked.Task;

        door.Door.Lifetime.StopApplication();
        release.SetResult();

        Assert.True(await stream.ResponseStream.MoveNext());
        Assert.Equal(1, NumberOf(stream.ResponseStream.Current));
        await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, () => stream.ResponseStream.MoveNext(), "shutting down");
    }

    private static float NumberOf(ModelStreamInferResponse answer) => MemoryMarshal.Read<float>(answer.InferResponse.RawOutputContents[0].Span);
}
