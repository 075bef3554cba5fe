namespace OrleansInference.Engine.Tests.Batching;

public sealed class PriorityTests
{
    [Fact]
    public async Task The_more_urgent_are_served_first_and_equals_as_they_came()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, priorityLevels: 3);
        var first = await harness.OccupyAsync();

        Task[] sent =
        [
            harness.SendAsync(31, priority: 3), harness.SendAsync(21, priority: 2), harness.SendAsync(11, priority: 1),
            harness.SendAsync(32, priority: 3), harness.SendAsync(12, priority: 1),
        ];
        harness.Model.Release();
        await Task.WhenAll([first, .. sent]);

        Assert.Equal([[0], [11], [12], [21], [31], [32]], harness.Model.Batches);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(int.MaxValue)]
    public async Task A_priority_that_is_no_level_stands_for_the_models_default(int priority)
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, priorityLevels: 3);
        var first = await harness.OccupyAsync();

        Task[] sent = [harness.SendAsync(3, priority: 3), harness.SendAsync(2, priority: priority), harness.SendAsync(1, priority: 1)];
        harness.Model.Release();
        await Task.WhenAll([first, .. sent]);

        Assert.Equal([[0], [1], [2], [3]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_full_queue_gives_up_the_least_urgent_for_one_that_is_more_urgent()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, maxQueueSize: 2, priorityLevels: 3);
        var first = await harness.OccupyAsync();

        Task kept = harness.SendAsync(2, priority: 2), displaced = harness.SendAsync(3, priority: 3), urgent = harness.SendAsync(1, priority: 1);
        Task refused = harness.SendAsync(4, priority: 2);
        harness.Model.Release();
        await Task.WhenAll(first, kept, urgent);

        foreach (var task in new[] { displaced, refused })
            Assert.Equal(InferenceError.QueueFull, (await Assert.ThrowsAsync<InferenceException>(() => task)).Error);
        Assert.Equal([[0], [1], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task What_has_been_admitted_before_has_a_place_in_a_full_queue()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1, maxQueueSize: 1);
        var first = await harness.OccupyAsync();

        Task waiting = harness.SendAsync(1), admitted = harness.SendAsync(2, isAdmitted: true);
        harness.Model.Release();

        await Task.WhenAll(first, waiting, admitted);
    }

    [Fact]
    public async Task Without_levels_all_requests_are_served_as_they_came()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 1);
        var first = await harness.OccupyAsync();

        Task[] sent = [harness.SendAsync(2, priority: 2), harness.SendAsync(1, priority: 1)];
        harness.Model.Release();
        await Task.WhenAll([first, .. sent]);

        Assert.Equal([[0], [2], [1]], harness.Model.Batches);
    }

    [Fact]
    public async Task An_urgent_request_does_not_restart_the_delay_of_those_that_wait()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 100, priorityLevels: 2);

        var waiting = harness.SendAsync(2, priority: 2);
        harness.Time.Advance(TimeSpan.FromMilliseconds(60));
        var urgent = harness.SendAsync(1, priority: 1);

        Assert.Equal(TimeSpan.FromMilliseconds(40), harness.RemainingDelay());
        harness.Time.Advance(TimeSpan.FromMilliseconds(40));
        await Task.WhenAll(waiting, urgent);
        Assert.Equal([[1, 2]], harness.Model.Batches);
    }
}
