using OrleansInference.Grains.Inference;

namespace OrleansInference.Grains.Tests;

public sealed class ProcessingThrottleTests
{
    [Fact]
    public async Task One_call_more_than_the_limit_is_refused_and_room_is_made_by_those_that_end()
    {
        using var throttle = new ProcessingThrottle(limit: 2);
        using var gate = new ManualResetEventSlim();
        var running = new[] { throttle.RunAsync(Wait, default), throttle.RunAsync(Wait, default) };

        var refused = await Assert.ThrowsAsync<InferenceException>(() => throttle.RunAsync(Wait, default));

        Assert.Equal(InferenceError.QueueFull, refused.Error);
        Assert.Contains("2 requests", refused.Message, StringComparison.Ordinal);
        gate.Set();
        await Task.WhenAll(running);
        Assert.True(await throttle.RunAsync(Wait, default));

        bool Wait() => gate.Wait(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_call_that_fails_gives_its_place_back()
    {
        using var throttle = new ProcessingThrottle(limit: 1);

        for (var call = 0; call < 10; call++)
            await Assert.ThrowsAsync<FormatException>(() => throttle.RunAsync<int>(() => throw new FormatException(), default));

        Assert.Equal(1, await throttle.RunAsync(() => 1, default));
    }
}
