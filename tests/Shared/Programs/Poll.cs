namespace OrleansInference.Tests.Shared.Programs;

/// <summary>Waits for something to become true in another process, with a deadline instead of a guess at how long it takes.</summary>
internal static class Poll
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <exception cref="TimeoutException">It never was.</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Limit)
                throw new TimeoutException($"Waited {Limit.TotalSeconds:F0} s in vain: {what}.");
            await Task.Delay(Interval, TimeProvider.System);
        }
    }
}
