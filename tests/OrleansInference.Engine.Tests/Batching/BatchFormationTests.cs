namespace OrleansInference.Engine.Tests.Batching;

public sealed class BatchFormationTests
{
    [Fact]
    public async Task An_idle_device_starts_a_request_at_once()
    {
        await using var harness = new BatcherHarness();

        var outputs = await harness.SendAsync(7);

        Assert.Equal([7], outputs[0].ToArray<int>());
        Assert.Equal([[7]], harness.Model.Batches);
    }

    [Fact]
    public async Task Requests_that_come_while_the_device_is_busy_share_the_next_batch()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();

        var requests = Enumerable.Range(1, 5).Select(value => harness.SendAsync(value)).ToArray();
        harness.Model.Release();
        var outputs = await Task.WhenAll(requests);

        Assert.Equal([[0], [1, 2, 3, 4, 5]], harness.Model.Batches);
        Assert.Equal([1, 2, 3, 4, 5], outputs.Select(output => output[0].ToArray<int>()[0]));
    }

    [Fact]
    public async Task A_batch_never_has_more_rows_than_the_limit()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 4);
        await harness.OccupyAsync();

        var requests = new[] { harness.SendAsync(1, rows: 3), harness.SendAsync(2, rows: 2), harness.SendAsync(3, rows: 2) };
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [1], [2, 3]], harness.Model.Batches);
    }

    [Fact]
    public async Task The_largest_preferred_size_that_can_be_met_is_formed()
    {
        await using var harness = new BatcherHarness(preferred: [2, 4]);
        await harness.OccupyAsync();

        var requests = Enumerable.Range(1, 7).Select(value => harness.SendAsync(value)).ToArray();
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [1, 2, 3, 4], [5, 6], [7]], harness.Model.Batches);
    }

    [Fact]
    public async Task Requests_of_other_shapes_wait_for_a_batch_of_their_own()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();

        var requests = new[] { harness.SendAsync(1), harness.SendAsync(2, width: 3), harness.SendAsync(3), harness.SendAsync(4, width: 3) };
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [1, 3], [2, 4]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_model_that_does_not_batch_runs_every_request_by_itself()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 0);
        await harness.OccupyAsync();

        var requests = new[] { harness.SendAsync(1), harness.SendAsync(2) };
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [1], [2]], harness.Model.Batches);
    }

    [Fact]
    public async Task With_a_delay_the_device_waits_for_others_but_no_longer()
    {
        await using var harness = new BatcherHarness(delayMilliseconds: 10);

        var first = harness.SendAsync(1);
        harness.Time.Advance(TimeSpan.FromMilliseconds(6));
        var second = harness.SendAsync(2);
        Assert.Equal(TimeSpan.FromMilliseconds(4), harness.RemainingDelay());
        Assert.Empty(harness.Model.Batches);
        harness.Time.Advance(TimeSpan.FromMilliseconds(4));
        await Task.WhenAll(first, second);

        Assert.Equal([[1, 2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_full_batch_runs_without_waiting_for_the_delay()
    {
        await using var harness = new BatcherHarness(maxBatchSize: 2, delayMilliseconds: 10_000);

        await Task.WhenAll(harness.SendAsync(1), harness.SendAsync(2));

        Assert.Equal([[1, 2]], harness.Model.Batches);
    }

    [Fact]
    public async Task A_preferred_batch_runs_without_waiting_for_the_delay()
    {
        await using var harness = new BatcherHarness(preferred: [3], delayMilliseconds: 10_000);

        await Task.WhenAll(harness.SendAsync(1), harness.SendAsync(2), harness.SendAsync(3));

        Assert.Equal([[1, 2, 3]], harness.Model.Batches);
    }

    [Fact]
    public async Task Models_of_one_device_take_turns_by_who_has_waited_longest()
    {
        await using var harness = new BatcherHarness();
        var otherModel = new ScriptedModel();
        var other = harness.AddModel(otherModel);
        await harness.OccupyAsync();

        harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        var younger = other.EnqueueAsync(BatcherHarness.Input(1), 1, 0, false, null, default).AsTask();
        var mine = harness.SendAsync(2);
        otherModel.Gated = true;
        harness.Model.Release();
        await otherModel.StartedAsync();

        Assert.Equal([[0]], harness.Model.Batches);
        otherModel.Release();
        await Task.WhenAll(younger, mine);
        Assert.Equal([[0], [2]], harness.Model.Batches);
    }
}
