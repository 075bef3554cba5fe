using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Batching;

public sealed class QueuePolicyTests
{
    private static readonly QueuePolicy Rejecting = new(100, TimeSpan.FromMilliseconds(5));
    private static readonly QueuePolicy Delaying = Rejecting with { IsDelayedOnTimeout = true };

    [Fact]
    public async Task A_request_that_waits_longer_than_the_policy_lets_it_is_rejected()
    {
        await using var harness = new BatcherHarness(policy: Rejecting);
        await harness.OccupyAsync();

        var late = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(4));
        var intime = harness.SendAsync(2);
        harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        harness.Model.Release();

        var rejection = await Assert.ThrowsAsync<InferenceException>(() => late);
        Assert.Equal(InferenceError.DeadlineExceeded, rejection.Error);
        Assert.Contains("Request timeout expired", rejection.Message, StringComparison.Ordinal);
        await intime;
        Assert.Equal([[0], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_delayed_request_is_served_when_none_of_its_level_is_in_time()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, priorityLevels: 2, policy: Delaying);
        await harness.OccupyAsync();

        Task[] delayed = [harness.SendAsync(11, priority: 1), harness.SendAsync(12, priority: 1)];
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        Task[] intime = [harness.SendAsync(21, priority: 2), harness.SendAsync(13, priority: 1)];
        harness.Model.Release();
        await Task.WhenAll([.. delayed, .. intime]);

        Assert.Equal([[0], [13], [11], [12], [21]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_delayed_request_fills_a_batch_that_holds_all_of_its_level_that_are_in_time()
    {
        await using var harness = new BatcherHarness(policy: Delaying);
        await harness.OccupyAsync();

        var delayed = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        Task[] intime = [harness.SendAsync(2), harness.SendAsync(3)];
        harness.Model.Release();
        await Task.WhenAll([delayed, .. intime]);

        Assert.Equal([[0], [2, 3, 1]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_delayed_request_does_not_pass_one_of_another_shape_that_is_in_time()
    {
        await using var harness = new BatcherHarness(policy: Delaying);
        await harness.OccupyAsync();

        var delayed = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        Task[] intime = [harness.SendAsync(2), harness.SendAsync(3, width: 3)];
        harness.Model.Release();
        await Task.WhenAll([delayed, .. intime]);

        Assert.Equal([[0], [2], [3], [1]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_delayed_request_still_ends_at_its_deadline()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, policy: Delaying);
        await harness.OccupyAsync();
        var delayed = harness.SendAsync(1, deadline: harness.Time.GetUtcNow().AddMilliseconds(9));
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        var intime = harness.SendAsync(2);
        harness.Model.Gated = true;
        harness.Model.Release();
        await harness.Model.StartedAsync();

        harness.Time.Advance(TimeSpan.FromMilliseconds(4));
        harness.Model.Release();

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => delayed)).Error);
        await intime;
        Assert.Equal([[0], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_levels_own_policy_bounds_that_level_and_the_default_one_the_others_together()
    {
        await using var harness = new BatcherHarness(
            priorityLevels: 3,
            maxQueueSize: 2,
            configure: options => options with { LevelPolicies = new Dictionary<int, QueuePolicy> { [2] = new(1) } });
        await harness.OccupyAsync();

        Task[] waiting = [harness.SendAsync(2, priority: 2), harness.SendAsync(1, priority: 1), harness.SendAsync(3, priority: 3)];
        var own = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(2, priority: 2));
        var shared = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(3, priority: 3));

        Assert.Contains("1 of 1", own.Message, StringComparison.Ordinal);
        Assert.Contains("2 of 2", shared.Message, StringComparison.Ordinal);
        harness.Model.Release();
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task A_level_with_its_own_bound_gives_up_no_place_for_a_more_urgent_one()
    {
        await using var harness = new BatcherHarness(
            priorityLevels: 2,
            maxQueueSize: 1,
            configure: options => options with { LevelPolicies = new Dictionary<int, QueuePolicy> { [2] = new(1) } });
        await harness.OccupyAsync();

        Task[] waiting = [harness.SendAsync(2, priority: 2), harness.SendAsync(1, priority: 1)];
        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(1, priority: 1));

        Assert.Equal(InferenceError.QueueFull, refused.Error);
        harness.Model.Release();
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task A_level_times_out_by_its_own_policy()
    {
        await using var harness = new BatcherHarness(
            priorityLevels: 2, configure: options => options with { LevelPolicies = new Dictionary<int, QueuePolicy> { [2] = Rejecting } });
        await harness.OccupyAsync();

        Task patient = harness.SendAsync(1, priority: 1), rejected = harness.SendAsync(2, priority: 2);
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));
        harness.Model.Release();

        await patient;
        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => rejected)).Error);
    }

    [Fact]
    public async Task A_full_queue_has_place_again_once_the_time_of_one_that_waits_is_over()
    {
        await using var harness = new BatcherHarness(policy: Rejecting with { MaxQueueSize = 1 });
        await harness.OccupyAsync();
        var late = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(5));

        var next = harness.SendAsync(2);

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => late)).Error);
        harness.Model.Release();
        await next;
    }

    [Fact]
    public async Task A_gathering_batch_is_sent_before_the_time_of_a_request_in_it_is_over()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 10_000, policy: new(100, TimeSpan.FromMilliseconds(20)));

        var request = harness.SendAsync(1);
        Assert.Equal(TimeSpan.FromMilliseconds(19), harness.RemainingDelay());
        harness.Time.Advance(TimeSpan.FromMilliseconds(19));
        await request;

        Assert.Equal(1, harness.Statistics.Read(0).Reasons.Deadline);
    }

    [Fact]
    public async Task A_request_that_has_left_does_not_hurry_those_that_gather()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 100, priorityLevels: 2, configure: options => options with
        {
            LevelPolicies = new Dictionary<int, QueuePolicy> { [2] = new(100, TimeSpan.FromMilliseconds(20)) },
        });
        using var caller = new CancellationTokenSource();
        var hurried = harness.SendAsync(1, priority: 2, cancellationToken: caller.Token);
        var staying = harness.SendAsync(2, priority: 1);

        await caller.CancelAsync();
        harness.Time.Advance(TimeSpan.FromMilliseconds(20));

        Assert.Equal(TimeSpan.FromMilliseconds(80), harness.RemainingDelay());
        harness.Time.Advance(TimeSpan.FromMilliseconds(80));
        await staying;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hurried);
        Assert.Equal(1, harness.Statistics.Read(0).Reasons.Delay);
    }
}
