namespace OrleansInference.Engine.Tests.Batching;

public sealed class BatchReasonTests
{
    [Fact]
    public async Task A_batch_that_starts_because_the_device_is_free_was_idle()
    {
        await using var harness = new BatcherHarness();

        await harness.SendAsync(1);

        Assert.Equal(new(Full: 0, Idle: 1, Delay: 0, Deadline: 0), harness.Statistics.Read(0).Reasons);
    }

    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    public async Task A_batch_of_the_largest_size_or_that_the_next_does_not_fit_into_was_full(params int[] rows)
    {
        await using var harness = new BatcherHarness(maxBatchSize: 4);
        await harness.OccupyAsync();

        var requests = rows.Select(count => harness.SendAsync(1, rows: count)).ToArray();
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal(1, harness.Statistics.Read(0).Reasons.Full);
    }

    [Fact]
    public async Task A_batch_of_a_preferred_size_was_full()
    {
        await using var harness = new BatcherHarness(preferred: [2], delayMilliseconds: 10_000);

        await Task.WhenAll(harness.SendAsync(1), harness.SendAsync(2));

        Assert.Equal(new(Full: 1, Idle: 0, Delay: 0, Deadline: 0), harness.Statistics.Read(0).Reasons);
    }

    [Fact]
    public async Task A_batch_that_nothing_filled_was_sent_by_the_delay()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 10);

        var request = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(10));
        await request;

        Assert.Equal(new(Full: 0, Idle: 0, Delay: 1, Deadline: 0), harness.Statistics.Read(0).Reasons);
    }

    [Fact]
    public async Task A_model_that_does_not_batch_is_never_full()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 0);

        await harness.SendAsync(1);

        Assert.Equal(1, harness.Statistics.Read(0).Reasons.Idle);
    }

    [Fact]
    public async Task Every_forward_pass_has_a_reason_also_where_a_batch_is_run_again_item_by_item()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 3);
        await harness.OccupyAsync();

        Task[] requests = [harness.SendAsync(1), harness.SendAsync(-1), harness.SendAsync(3)];
        harness.Model.Release();
        await Assert.ThrowsAsync<InferenceException>(() => Task.WhenAll(requests));

        var statistics = harness.Statistics.Read(0);
        Assert.Equal(3, statistics.ExecutionCount);
        Assert.Equal(new(Full: 2, Idle: 1, Delay: 0, Deadline: 0), statistics.Reasons);
    }
}
