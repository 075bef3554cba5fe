namespace OrleansInference.Engine.Tests.Batching;

public sealed class RequestLifetimeTests
{
    [Fact]
    public async Task A_request_beyond_the_queue_limit_is_refused_with_depth_and_limit()
    {
        await using var harness = new BatcherHarness(maxQueueSize: 2);
        await harness.OccupyAsync();
        var waiting = new[] { harness.SendAsync(1), harness.SendAsync(2) };

        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(3));

        Assert.Equal(InferenceError.QueueFull, refused.Error);
        Assert.Contains("2 of 2", refused.Message, StringComparison.Ordinal);
        harness.Model.Release();
        await Task.WhenAll(waiting);
        Assert.Equal([[0], [1, 2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_request_whose_deadline_passes_in_the_queue_never_runs()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        var expiring = harness.SendAsync(1, deadline: harness.Time.GetUtcNow().AddMilliseconds(5));
        var patient = harness.SendAsync(2, deadline: harness.Time.GetUtcNow().AddMilliseconds(50));

        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        harness.Model.Release();

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => expiring)).Error);
        await patient;
        Assert.Equal([[0], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_request_whose_deadline_has_passed_is_refused()
    {
        await using var harness = new BatcherHarness();

        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(1, deadline: harness.Time.GetUtcNow()));

        Assert.Equal(InferenceError.DeadlineExceeded, refused.Error);
        Assert.Empty(harness.Model.Batches);
    }

    [Fact]
    public async Task A_cancelled_request_leaves_the_queue_at_once()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        using var caller = new CancellationTokenSource();
        var leaving = harness.SendAsync(1, cancellationToken: caller.Token);
        Assert.Equal(1, harness.Batcher.QueueDepth);

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        Assert.Equal(0, harness.Batcher.QueueDepth);
        harness.Model.Release();
        await harness.SendAsync(2);
        Assert.Equal([[0], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_request_that_is_cancelled_before_it_is_sent_is_not_queued()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => harness.SendAsync(1, cancellationToken: new(canceled: true)));

        Assert.Equal(0, harness.Batcher.QueueDepth);
        harness.Model.Release();
    }

    [Fact]
    public async Task Cancelling_a_request_that_runs_frees_its_caller_and_leaves_its_batch_mates_alone()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        using var caller = new CancellationTokenSource();
        var leaving = harness.SendAsync(1, cancellationToken: caller.Token);
        var staying = harness.SendAsync(2);
        harness.Model.Gated = true;
        harness.Model.Release();
        await harness.Model.StartedAsync();

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        harness.Model.Release();
        Assert.Equal(2, BatcherHarness.ValueOf(await staying));
    }

    [Fact]
    public async Task A_poisoned_request_fails_alone_and_its_batch_mates_are_answered()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();

        var requests = new[] { harness.SendAsync(1), harness.SendAsync(-1), harness.SendAsync(3) };
        harness.Model.Release();

        Assert.Equal(1, BatcherHarness.ValueOf(await requests[0]));
        Assert.Equal(3, BatcherHarness.ValueOf(await requests[2]));
        var failed = await Assert.ThrowsAsync<InferenceException>(() => requests[1]);
        Assert.Equal(InferenceError.ModelFailed, failed.Error);
        Assert.Equal([[0], [1, -1, 3], [1], [-1], [3]], harness.Model.Batches);
    }

    [Fact]
    public async Task Closing_answers_what_waits_and_refuses_what_comes()
    {
        await using var harness = new BatcherHarness();
        var running = await harness.OccupyAsync();
        var waiting = harness.SendAsync(1);

        var closed = harness.Batcher.CloseAsync();
        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(2));

        Assert.Equal(InferenceError.NotReady, refused.Error);
        Assert.False(closed.IsCompleted);
        harness.Model.Release();
        await closed;
        await running;
        Assert.Equal(1, BatcherHarness.ValueOf(await waiting));
    }

    [Fact]
    public async Task Closing_does_not_wait_for_a_delay()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 10_000);
        var waiting = harness.SendAsync(1);

        await harness.Batcher.CloseAsync();

        Assert.Equal(1, BatcherHarness.ValueOf(await waiting));
    }

    [Fact]
    public async Task Callers_go_on_beside_the_device_thread_and_never_on_it()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        // Whoever waits before there is an answer is called by the one who has it.
        var continuedOn = harness.SendAsync(1).ContinueWith(
            _ => Environment.CurrentManagedThreadId,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

        harness.Model.Release();

        Assert.NotEqual(harness.Model.ThreadId, await continuedOn);
    }

    [Fact]
    public async Task Statistics_count_rows_batches_waits_and_failures()
    {
        await using var harness = new BatcherHarness();
        var first = await harness.OccupyAsync();
        var requests = new[] { harness.SendAsync(1, rows: 2), harness.SendAsync(2) };
        harness.Time.Advance(TimeSpan.FromMilliseconds(3));
        harness.Model.Release();
        await Task.WhenAll(requests);
        await first;
        await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(-1));

        var statistics = harness.Statistics.Read(queueDepth: 0);

        Assert.Equal(4, statistics.InferenceCount);
        Assert.Equal(2, statistics.ExecutionCount);
        Assert.Equal(3, statistics.Success.Count);
        Assert.Equal(1, statistics.Fail.Count);
        Assert.Equal(6_000_000, statistics.Queue.Nanoseconds);
        Assert.Equal([1, 3], statistics.Batches.Select(batch => batch.BatchSize));
        Assert.Equal(new(1, 200), statistics.Batches[1].ComputeInfer);
        Assert.Equal(new(3, 600), statistics.ComputeInfer);
    }
}
