using System.Net;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>A caller that leaves takes its request with it. The limits only end a test that would wait for ever.</summary>
public sealed class CancellationTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task A_dropped_connection_cancels_the_call()
    {
        await using var door = await FrontDoor.StartAsync();
        using var connection = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Answer = async (_, cancellationToken) =>
        {
            asked.SetResult();
            await cancellationToken.WhenCancelledAsync();
            cancelled.SetResult();
            throw new OperationCanceledException(cancellationToken);
        };

        var answer = door.SendAsync(
            HttpMethod.Post, "/v2/models/identity/infer", Bodies.Json(Bodies.OneInput("FP32", "[1]", "[1]")), connection.Token);
        await asked.Task;
        await connection.CancelAsync();

        await cancelled.Task;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact(Timeout = Limit)]
    public async Task Other_callers_do_not_notice()
    {
        await using var door = await FrontDoor.StartAsync();
        using var connection = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var echo = door.Client.Answer;
        door.Client.Answer = async (request, cancellationToken) =>
        {
            if (request.Id is null) return await echo(request, cancellationToken);
            asked.SetResult();
            await cancellationToken.WhenCancelledAsync();
            throw new OperationCanceledException(cancellationToken);
        };
        var leaving = door.SendAsync(
            HttpMethod.Post,
            "/v2/models/identity/infer",
            Bodies.Json("""{"id":"x","inputs":[{"name":"A","shape":[1],"datatype":"FP32","data":[1]}]}"""),
            connection.Token);
        await asked.Task;
        await connection.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertOk();
    }

    [Fact(Timeout = Limit)]
    public async Task A_caller_that_leaves_before_its_body_is_complete_asks_nothing()
    {
        await using var door = await FrontDoor.StartAsync();
        using var connection = new CancellationTokenSource();
        var body = new HalfBody();

        var answer = door.SendAsync(HttpMethod.Post, "/v2/models/identity/infer", body, connection.Token);
        await body.Sent.Task;
        await connection.CancelAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => answer);
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_by_nobody_is_a_failure_of_the_server()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new OperationCanceledException("the silo stopped"));

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertError(500, "the silo stopped");
    }

    /// <summary>Sends the beginning of a request, and then nothing until the connection is dropped.</summary>
    private sealed class HalfBody : HttpContent
    {
        public TaskCompletionSource Sent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync("{\"inputs\":["u8.ToArray(), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            Sent.SetResult();
            await cancellationToken.WhenCancelledAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
