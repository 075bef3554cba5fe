using OrleansInference.Engine.Batching;

namespace OrleansInference.Engine.Tests.Batching;

/// <summary>A pass takes 10 ms and 1 ms for each row, of which there are at most 4.</summary>
public sealed class AdmissionTests
{
    [Fact]
    public async Task A_request_that_cannot_be_answered_in_time_is_refused_at_once_with_the_estimate()
    {
        await using var harness = await LearnedAsync();
        var running = await harness.OccupyAsync();

        // 11 ms of the batch that runs, and 11 of its own.
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => SendAsync(harness, milliseconds: 17));

        Assert.Equal(InferenceError.QueueFull, refusal.Error);
        Assert.Contains("about 22.0 ms", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("expires in 17.0 ms", refusal.Message, StringComparison.Ordinal);
        harness.Model.Release();
        await running;
        Assert.Equal([[0]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_request_that_might_just_make_it_is_let_in()
    {
        await using var harness = await LearnedAsync();
        var running = await harness.OccupyAsync();

        var request = SendAsync(harness, milliseconds: 18);

        Assert.Equal(1, harness.Batcher.QueueDepth);
        harness.Model.Release();
        await running;
        await request;
    }

    [Fact]
    public async Task What_has_run_of_the_batch_under_way_is_no_longer_waited_for()
    {
        await using var harness = await LearnedAsync();
        var running = await harness.OccupyAsync();
        harness.Time.Advance(TimeSpan.FromMilliseconds(11));

        var request = SendAsync(harness, milliseconds: 9);

        Assert.Equal(1, harness.Batcher.QueueDepth);
        harness.Model.Work = null;
        harness.Model.Release();
        await running;
        await request;
    }

    [Fact]
    public async Task The_rows_that_wait_before_it_count_in_batches()
    {
        await using var harness = await LearnedAsync();
        var running = await harness.OccupyAsync();
        Task[] waiting = [harness.SendAsync(1, rows: 4), harness.SendAsync(2, rows: 4)];

        // 11 ms, twice 14 and its own 11.
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => SendAsync(harness, milliseconds: 39));

        Assert.Contains("8 rows waiting", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("about 50.0 ms", refusal.Message, StringComparison.Ordinal);
        var request = SendAsync(harness, milliseconds: 50);
        harness.Model.Release();
        await Task.WhenAll([running, request, .. waiting]);
    }

    [Fact]
    public async Task Less_urgent_rows_do_not_count()
    {
        await using var harness = await LearnedAsync(priorityLevels: 2);
        var running = await harness.OccupyAsync();
        Task[] waiting = [harness.SendAsync(1, rows: 4, priority: 2), harness.SendAsync(2, rows: 4, priority: 2)];

        var request = SendAsync(harness, milliseconds: 22, priority: 1);

        Assert.Equal(3, harness.Batcher.QueueDepth);
        harness.Model.Release();
        await Task.WhenAll([running, request, .. waiting]);
    }

    [Fact]
    public async Task Batches_of_other_models_that_have_their_turn_before_count()
    {
        await using var harness = await LearnedAsync();
        var other = await LearnOtherAsync(harness);
        var running = await harness.OccupyAsync();
        var waiting = SendToAsync(other);
        harness.Time.Advance(TimeSpan.FromMilliseconds(1));

        // 10 ms are left of the batch that runs, then come 11 of the other model's and 11 of its own.
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => SendAsync(harness, milliseconds: 25));

        Assert.Contains("about 32.0 ms", refusal.Message, StringComparison.Ordinal);
        harness.Model.Release();
        await Task.WhenAll(running, waiting);
    }

    [Fact]
    public async Task Batches_of_other_models_that_have_their_turn_later_do_not_count()
    {
        await using var harness = await LearnedAsync();
        var other = await LearnOtherAsync(harness);
        var running = await harness.OccupyAsync();
        var first = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        var waiting = SendToAsync(other);

        // 10 ms are left of the batch that runs, and it shares one of 12 ms with the first that waits.
        var request = SendAsync(harness, milliseconds: 22);

        Assert.Equal(2, harness.Batcher.QueueDepth);
        harness.Model.Release();
        await Task.WhenAll(running, first, waiting, request);
    }

    [Fact]
    public async Task Nothing_is_refused_before_the_model_is_fitted()
    {
        await using var harness = new BatcherHarness();
        var running = await harness.OccupyAsync();

        var request = SendAsync(harness, milliseconds: 0.1);

        Assert.Equal(1, harness.Batcher.QueueDepth);
        harness.Model.Release();
        await running;
        await request;
    }

    [Fact]
    public async Task A_model_that_has_not_run_for_a_while_is_tried_again()
    {
        await using var harness = await LearnedAsync();
        await Assert.ThrowsAsync<InferenceException>(() => SendAsync(harness, milliseconds: 1));
        harness.Time.Advance(TimeSpan.FromSeconds(2));

        await SendAsync(harness, milliseconds: 1);

        Assert.Equal([[5]], harness.Model.Batches);
    }

    [Fact]
    public async Task What_has_been_admitted_before_is_not_refused()
    {
        await using var harness = await LearnedAsync();

        await SendAsync(harness, milliseconds: 1, isAdmitted: true);

        Assert.Equal([[5]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_gathering_batch_starts_early_enough_for_its_earliest_deadline()
    {
        await using var harness = await LearnedAsync(delayMilliseconds: 100);
        Task patient = harness.SendAsync(1), hurried = SendAsync(harness, milliseconds: 50);

        // Two rows take 12 ms, maybe 15, and the timer needs one.
        Assert.Equal(TimeSpan.FromMilliseconds(34), harness.RemainingDelay());
        harness.Time.Advance(TimeSpan.FromMilliseconds(34));
        await Task.WhenAll(patient, hurried);

        Assert.Equal([[1, 5]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_batch_that_was_sent_for_a_deadline_says_so()
    {
        await using var harness = await LearnedAsync(delayMilliseconds: 100);
        var before = harness.Statistics.Read(0).Reasons.Deadline;

        var request = SendAsync(harness, milliseconds: 30);
        harness.Time.Advance(harness.RemainingDelay());
        await request;

        Assert.Equal(before + 1, harness.Statistics.Read(0).Reasons.Deadline);
    }

    [Fact]
    public async Task Before_the_model_is_fitted_a_deadline_within_the_delay_is_not_waited_for()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 100);

        await SendAsync(harness, milliseconds: 99);

        Assert.Equal(1, harness.Statistics.Read(0).Reasons.Deadline);
    }

    [Fact]
    public async Task Batches_are_kept_within_the_latency_target()
    {
        await using var harness = await LearnedAsync(targetMilliseconds: 12.5);
        var running = await harness.OccupyAsync();

        Task[] requests = [harness.SendAsync(1), harness.SendAsync(2), harness.SendAsync(3), harness.SendAsync(4, rows: 3), harness.SendAsync(5)];
        harness.Model.Release();
        await Task.WhenAll([running, .. requests]);

        // One that is larger than the target lets a batch be runs by itself.
        Assert.Equal([[0], [1, 2], [3], [4], [5]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_batch_as_large_as_the_latency_target_lets_it_be_is_full()
    {
        await using var harness = await LearnedAsync(delayMilliseconds: 10_000, targetMilliseconds: 12.5);
        var before = harness.Statistics.Read(0).Reasons.Full;

        await Task.WhenAll(harness.SendAsync(1), harness.SendAsync(2));

        Assert.Equal(before + 1, harness.Statistics.Read(0).Reasons.Full);
    }

    [Fact]
    public async Task A_target_that_no_pass_reaches_leaves_batches_of_one_row()
    {
        await using var harness = await LearnedAsync(targetMilliseconds: 1);
        var running = await harness.OccupyAsync();

        Task[] requests = [harness.SendAsync(1), harness.SendAsync(2)];
        harness.Model.Release();
        await Task.WhenAll([running, .. requests]);

        Assert.Equal([[0], [1], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_request_larger_than_batches_are_for_their_latency_counts_as_one_pass()
    {
        await using var harness = await LearnedAsync(targetMilliseconds: 11.5);

        // In one pass 14 ms, in four 44.
        await harness.SendAsync(1, rows: 4, deadline: harness.Time.GetUtcNow().AddMilliseconds(12));

        Assert.Equal([[1]], harness.Model.Batches);
    }

    private static async Task<BatcherHarness> LearnedAsync(int delayMilliseconds = 0, int priorityLevels = 0, double targetMilliseconds = 0)
    {
        var harness = new BatcherHarness(
            maxBatchSize: 4,
            delayMilliseconds: delayMilliseconds,
            priorityLevels: priorityLevels,
            configure: options => options with { LatencyTarget = TimeSpan.FromMilliseconds(targetMilliseconds) });
        await harness.LearnAsync(millisecondsPerPass: 10, millisecondsPerRow: 1);
        return harness;
    }

    /// <summary>Another model of the device that takes as long.</summary>
    private static async Task<Batcher> LearnOtherAsync(BatcherHarness harness)
    {
        var other = harness.AddModel(harness.Model);
        for (var pass = 0; pass < LatencyModel.MinPasses; pass++) await SendToAsync(other);
        await harness.Device.InvokeAsync(() => true);
        return other;
    }

    private static Task SendToAsync(Batcher batcher) => batcher.EnqueueAsync(BatcherHarness.Input(9), 1, 0, false, null, default).AsTask();

    private static Task SendAsync(BatcherHarness harness, double milliseconds, int priority = 0, bool isAdmitted = false) =>
        harness.SendAsync(5, priority: priority, isAdmitted: isAdmitted, deadline: harness.Time.GetUtcNow().AddMilliseconds(milliseconds));
}
