using System.Diagnostics;
using System.Globalization;

namespace OrleansInference.Engine.Verification;

/// <summary>Looks again and again at how much memory a process has in use, and tells once when it is more than a limit.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly int _process;
    private readonly long _limit;
    private readonly Action _exceeded;
    private readonly ITimer _timer;

    public MemoryWatch(int process, long limit, TimeProvider time, Action exceeded)
    {
        _process = process;
        _limit = limit;
        _exceeded = exceeded;
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        if (Resident() <= _limit) return;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _exceeded();
    }

    /// <summary>What the process has in the main memory; 0 once it has ended.</summary>
    private long Resident()
    {
        try
        {
            // A process's own class would read a file per thread.
            if (OperatingSystem.IsLinux())
            {
                var pages = File.ReadAllText($"/proc/{_process}/statm").Split(' ')[1];
                return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
            }

            using var process = Process.GetProcessById(_process);
            return process.WorkingSet64;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            return 0;
        }
    }
}
