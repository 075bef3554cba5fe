using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Tests.Batching;

namespace OrleansInference.Engine.Tests;

public sealed class DeviceThreadTests
{
    [Fact]
    public async Task All_work_of_a_device_runs_on_one_thread()
    {
        await using var harness = new BatcherHarness();
        await harness.SendAsync(1);

        var first = await harness.Device.InvokeAsync(() => Environment.CurrentManagedThreadId);
        var second = await harness.Device.InvokeAsync(() => Environment.CurrentManagedThreadId);

        Assert.Equal(harness.Model.ThreadId, first);
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task An_action_that_fails_fails_its_caller_and_the_device_lives_on()
    {
        await using var harness = new BatcherHarness();

        await Assert.ThrowsAsync<FormatException>(() => harness.Device.InvokeAsync<int>(() => throw new FormatException()));

        Assert.Equal(1, await harness.Device.InvokeAsync(() => 1));
    }

    [Fact]
    public async Task A_loading_model_goes_before_the_batches_that_wait()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        var request = harness.SendAsync(1);
        var command = harness.Device.InvokeAsync(() => harness.Model.Batches.Count);

        harness.Model.Release();

        Assert.Equal(1, await command);
        await request;
    }

    [Fact]
    public async Task One_action_more_than_may_wait_is_refused_and_the_others_run()
    {
        await using var harness = new BatcherHarness();
        await harness.OccupyAsync();
        var waiting = Enumerable.Range(0, DeviceThread.MaxCommands).Select(number => harness.Device.InvokeAsync(() => number)).ToArray();

        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.Device.InvokeAsync(() => -1));

        Assert.Equal(InferenceError.Unavailable, refused.Error);
        harness.Model.Release();
        Assert.Equal(Enumerable.Range(0, DeviceThread.MaxCommands), await Task.WhenAll(waiting));
    }

    [Fact]
    public async Task A_device_that_is_shut_down_finishes_its_queue_and_takes_no_more()
    {
        var harness = new BatcherHarness();
        await harness.OccupyAsync();
        var waiting = harness.SendAsync(1);
        var disposed = harness.DisposeAsync();
        harness.Model.Release();

        await disposed;

        Assert.Equal(1, BatcherHarness.ValueOf(await waiting));
        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.Device.InvokeAsync(() => 1));
        Assert.Equal(InferenceError.Unavailable, refused.Error);
        // A request must not wait for a thread that has ended.
        Assert.Equal(InferenceError.Unavailable, (await Assert.ThrowsAsync<InferenceException>(() => harness.SendAsync(2))).Error);
    }
}
