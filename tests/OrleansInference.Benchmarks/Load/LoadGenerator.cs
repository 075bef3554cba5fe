using System.Diagnostics;
using System.Threading.Channels;

namespace OrleansInference.Benchmarks.Load;

/// <summary>Sends requests and takes their times.</summary>
internal static class LoadGenerator
{
    /// <summary>Closed loop: each caller sends its next request when the last one is answered.</summary>
    /// <param name="connect">Opens a caller's connection.</param>
    /// <param name="callers">How many send at the same time.</param>
    /// <param name="warmup">Answers that come earlier do not count.</param>
    /// <param name="duration">How long to count.</param>
    /// <param name="counting">Called when the counting begins and when it ends.</param>
    public static async Task<LoadResult> RunClosedAsync(
        Func<Task<IConnection>> connect, int callers, TimeSpan warmup, TimeSpan duration, Action<bool>? counting = null)
    {
        var connections = await OpenAsync(connect, callers);
        var recorders = connections.Select(_ => new Recorder()).ToArray();
        var from = Stopwatch.GetTimestamp() + ToTicks(warmup);
        var to = from + ToTicks(duration);
        var begun = 0;
        await Task.WhenAll(connections.Zip(recorders, (connection, recorder) => Task.Run(async () =>
        {
            for (var sent = Stopwatch.GetTimestamp(); sent < to;)
            {
                var status = await connection.SendAsync();
                var now = Stopwatch.GetTimestamp();
                if (now >= from && Interlocked.Exchange(ref begun, 1) == 0) counting?.Invoke(true);
                if (sent >= from && now <= to) recorder.Record(status, now - sent);
                sent = now;
            }
        })));
        counting?.Invoke(false);
        await CloseAsync(connections);
        return Recorder.Sum(recorders, duration);
    }

    /// <summary>
    /// Open loop: requests are due at fixed times, whether or not earlier ones are answered, and their latencies count from when they
    /// were due. A server that falls behind cannot slow down what is asked of it, nor hide how long callers wait.
    /// </summary>
    /// <param name="connect">Opens a caller's connection.</param>
    /// <param name="callers">The most requests under way; more would be sent late, which their latencies show.</param>
    /// <param name="perSecond">The rate.</param>
    /// <param name="warmup">Requests that are due earlier do not count.</param>
    /// <param name="duration">How long to count.</param>
    public static async Task<LoadResult> RunOpenAsync(
        Func<Task<IConnection>> connect, int callers, double perSecond, TimeSpan warmup, TimeSpan duration)
    {
        var connections = await OpenAsync(connect, callers);
        var recorders = connections.Select(_ => new Recorder()).ToArray();
        var start = Stopwatch.GetTimestamp();
        var from = start + ToTicks(warmup);
        var due = Channel.CreateUnbounded<long>(new() { SingleWriter = true });
        var pacing = PaceAsync(due.Writer, start, from + ToTicks(duration), Stopwatch.Frequency / perSecond);
        await Task.WhenAll(connections.Zip(recorders, (connection, recorder) => Task.Run(async () =>
        {
            await foreach (var intended in due.Reader.ReadAllAsync())
            {
                var status = await connection.SendAsync();
                if (intended >= from) recorder.Record(status, Stopwatch.GetTimestamp() - intended);
            }
        })));
        await pacing;
        var elapsed = Stopwatch.GetElapsedTime(from);
        await CloseAsync(connections);
        return Recorder.Sum(recorders, elapsed > duration ? elapsed : duration);
    }

    /// <summary>Sends a number of requests as fast as the callers can.</summary>
    public static async Task RunCountAsync(Func<Task<IConnection>> connect, int callers, int requests)
    {
        var connections = await OpenAsync(connect, callers);
        var left = requests;
        await Task.WhenAll(connections.Select(connection => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await connection.SendAsync();
        })));
        await CloseAsync(connections);
    }

    /// <summary>Hands out what is due once a millisecond; how late that is counts as latency.</summary>
    private static async Task PaceAsync(ChannelWriter<long> due, long start, long to, double interval)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        var sent = 0L;
        for (var next = start; next < to; await timer.WaitForNextTickAsync())
        {
            var now = Stopwatch.GetTimestamp();
            for (; next <= now && next < to; next = start + (long)(++sent * interval)) due.TryWrite(next);
        }

        due.Complete();
    }

    private static async Task<IConnection[]> OpenAsync(Func<Task<IConnection>> connect, int callers)
    {
        var connections = new IConnection[callers];
        for (var i = 0; i < callers; i++) connections[i] = await connect();
        return connections;
    }

    private static async Task CloseAsync(IConnection[] connections)
    {
        foreach (var connection in connections) await connection.DisposeAsync();
    }

    private static long ToTicks(TimeSpan duration) => (long)(duration.TotalSeconds * Stopwatch.Frequency);

    /// <summary>One caller's answers.</summary>
    private sealed class Recorder
    {
        private readonly List<long> _answered = [];
        private readonly List<long> _refused = [];
        private int _failed;

        public static LoadResult Sum(Recorder[] recorders, TimeSpan elapsed) => new(
            elapsed,
            Sort(recorders.SelectMany(recorder => recorder._answered)),
            Sort(recorders.SelectMany(recorder => recorder._refused)),
            recorders.Sum(recorder => recorder._failed));

        public void Record(int status, long ticks)
        {
            if (status == StatusCodes.Status200OK) _answered.Add(ticks);
            else if (status == StatusCodes.Status429TooManyRequests) _refused.Add(ticks);
            else _failed++;
        }

        private static TimeSpan[] Sort(IEnumerable<long> ticks) => [.. ticks.Order().Select(value => Stopwatch.GetElapsedTime(0, value))];
    }
}
