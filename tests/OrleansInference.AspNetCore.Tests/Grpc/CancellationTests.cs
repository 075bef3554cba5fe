using Grpc.Core;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>A caller that leaves takes its request with it. The limits only end a test that would wait for ever.</summary>
public sealed class CancellationTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task A_call_that_its_caller_cancels_is_cancelled()
    {
        await using var door = await GrpcDoor.StartAsync();
        var (asked, cancelled) = HangOn(door);
        using var caller = new CancellationTokenSource();

        var answer = door.Api.ModelInferAsync(Requests.Number(1), cancellationToken: caller.Token).ResponseAsync;
        await asked;
        await caller.CancelAsync();

        await cancelled;
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => answer)).StatusCode);
    }

    [Fact(Timeout = Limit)]
    public async Task A_call_whose_deadline_passes_is_cancelled()
    {
        await using var door = await GrpcDoor.StartAsync();
        var (asked, cancelled) = HangOn(door);

        var answer = door.Api.ModelInferAsync(Requests.Number(1), deadline: In(TimeSpan.FromSeconds(4))).ResponseAsync;
        await asked;

        await cancelled;
        // The client hangs up by its own clock, and without a network between them may yet read what the server says of that.
        Assert.Contains((await Assert.ThrowsAsync<RpcException>(() => answer)).StatusCode, new[] { StatusCode.DeadlineExceeded, StatusCode.Cancelled });
    }

    [Theory]
    [InlineData(null, 60, 50, 60)]
    [InlineData(5_000_000, 60, 4, 5)]
    [InlineData(60_000_000, 30, 20, 30)]
    // No mistake: longer than any request may take, such a deadline means none.
    [InlineData(null, 100_000, 3590, 3600)]
    public async Task The_earlier_of_the_calls_deadline_and_the_requests_timeout_counts(int? timeout, int deadline, int least, int most)
    {
        await using var door = await GrpcDoor.StartAsync();
        // The deadlines of calls are on the wall's clock.
        var now = TimeProvider.System.GetUtcNow();
        door.Door.Time.SetUtcNow(now);
        var request = Requests.Number(1);
        if (timeout is { } microseconds) request.Parameters["timeout"] = new() { Int64Param = microseconds };

        await door.Api.ModelInferAsync(request, deadline: In(TimeSpan.FromSeconds(deadline)));

        Assert.InRange((door.Client.TheRequest.Deadline!.Value - now).TotalSeconds, least, most + 5);
    }

    [Fact(Timeout = Limit)]
    public async Task A_stream_that_its_caller_cancels_cancels_all_that_it_has_asked()
    {
        await using var door = await GrpcDoor.StartAsync();
        var (asked, cancelled) = HangOn(door, 3);
        using var caller = new CancellationTokenSource();
        using var stream = door.Api.ModelStreamInfer(cancellationToken: caller.Token);
        for (var i = 0; i < 3; i++) await stream.RequestStream.WriteAsync(Requests.Number(i));
        await asked;

        await caller.CancelAsync();

        await cancelled;
    }

    private static DateTime In(TimeSpan time) => TimeProvider.System.GetUtcNow().UtcDateTime + time;

    /// <summary>Has calls wait until they are cancelled.</summary>
    /// <returns>That all have been asked, and that all have been cancelled.</returns>
    private static (Task Asked, Task Cancelled) HangOn(GrpcDoor door, int calls = 1)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0, ended = 0;
        door.Client.Answer = async (_, cancellationToken) =>
        {
            if (Interlocked.Increment(ref begun) == calls) asked.SetResult();
            await cancellationToken.WhenCancelledAsync();
            if (Interlocked.Increment(ref ended) == calls) cancelled.SetResult();
            throw new OperationCanceledException(cancellationToken);
        };
        return (asked.Task, cancelled.Task);
    }
}
