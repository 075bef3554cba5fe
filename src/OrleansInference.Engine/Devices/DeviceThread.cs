using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Batching;

namespace OrleansInference.Engine.Devices;

/// <summary>
/// The one thread that touches a device. It runs what it is asked to (loading, unloading) and the batches of all models of the device,
/// the longest-waiting first; while it runs one batch, the next ones gather.
/// </summary>
/// <remarks>
/// <see cref="Gate"/> guards the queues of all batchers of the device. It is held to move list nodes, never while a model runs.
/// </remarks>
internal sealed class DeviceThread : IAsyncDisposable
{
    /// <summary>Loads and unloads that may wait. A model has at most one of them under way, so this bounds a fault, not a use.</summary>
    public const int MaxCommands = 16_384;

    /// <summary>Models whose batches are counted when a wait is predicted: one that is a little too short costs less than a long look.</summary>
    private const int MaxPredicted = 16;

    private readonly Queue<Action> _commands = new();
    private readonly List<Batcher> _waiting = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly long _origin;
    private TimeSpan _busyUntil;
    private int _outstanding;

    /// <param name="device">The device to own.</param>
    /// <param name="time">The clock of delays and deadlines.</param>
    /// <param name="logger">Takes what goes wrong on the thread itself.</param>
    /// <param name="initialize">Runs first on the thread; the runtime sets its thread-local state there.</param>
    public DeviceThread(Device device, TimeProvider time, ILogger logger, Action? initialize = null)
    {
        Device = device;
        Time = time;
        _origin = time.GetTimestamp();
        _logger = logger;
        _timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (initialize is not null) _commands.Enqueue(initialize);
        new Thread(Loop) { IsBackground = true, Name = device.Name }.Start();
    }

    public Device Device { get; }

    public TimeProvider Time { get; }

    /// <summary>The device's clock, by which requests wait: it counts from when the thread was made, and never jumps.</summary>
    public TimeSpan Now => Time.GetElapsedTime(_origin);

    public object Gate { get; } = new();

    /// <summary>Requests that wait for the device or run on it, of all its models.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Whether the thread ends once it has run what is queued.</summary>
    public bool IsStopping_NeedsLock { get; private set; }

    /// <summary>Counts one more request, until what is returned is disposed.</summary>
    public Request BeginRequest()
    {
        Interlocked.Increment(ref _outstanding);
        return new(this);
    }

    /// <summary>Runs an action on this thread, before any batch that waits.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: it shuts down, or too many actions wait.</exception>
    public Task<T> InvokeAsync<T>(Func<T> action)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (Gate)
        {
            if (IsStopping_NeedsLock) throw new InferenceException(InferenceError.Unavailable, $"device {Device.Name} is shutting down");
            if (_commands.Count >= MaxCommands)
                throw new InferenceException(InferenceError.Unavailable, $"device {Device.Name} has {_commands.Count} of {MaxCommands} actions waiting");
            _commands.Enqueue(() =>
            {
                try
                {
                    completion.SetResult(action());
                }
                catch (Exception exception)
                {
                    completion.SetException(exception);
                }
            });
            Monitor.Pulse(Gate);
        }

        return completion.Task;
    }

    /// <summary>Tells the thread that a batcher's queue is no longer empty, or that what it waits for has changed.</summary>
    public void Signal_NeedsLock(Batcher batcher)
    {
        if (!batcher.IsSignalled_NeedsLock) _waiting.Add(batcher);
        batcher.IsSignalled_NeedsLock = true;
        Monitor.Pulse(Gate);
    }

    /// <summary>
    /// How long it takes at least until the device runs a batcher's next batch, as far as the fits of its models say: what runs, and the
    /// next batches of models whose turn is earlier.
    /// </summary>
    public TimeSpan GetWait_NeedsLock(Batcher batcher, TimeSpan now)
    {
        var wait = _busyUntil > now ? _busyUntil - now : TimeSpan.Zero;
        var head = batcher.IsEmpty_NeedsLock ? now : batcher.HeadEnqueued_NeedsLock;
        for (var i = 0; i < _waiting.Count && i < MaxPredicted; i++)
        {
            var other = _waiting[i];
            if (other != batcher && other.HeadEnqueued_NeedsLock < head && other.GetRemainingDelay_NeedsLock(now) <= TimeSpan.Zero)
                wait += other.PredictNext_NeedsLock();
        }

        return wait;
    }

    /// <summary>Runs what has been queued, then ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (Gate)
        {
            IsStopping_NeedsLock = true;
            Monitor.Pulse(Gate);
        }

        await _ended.Task;
        await _timer.DisposeAsync();
    }

    private void Wake()
    {
        lock (Gate) Monitor.Pulse(Gate);
    }

    private void Loop()
    {
        while (WaitForWork(out var command, out var batcher))
        {
            try
            {
                command?.Invoke();
                batcher?.Run();
            }
            catch (Exception exception)
            {
                // Batches and commands fail their own waiters; what comes here is a fault of ours, and the device must live on.
                Log.DeviceThreadFailed(_logger, exception, Device.Name);
            }
        }

        _ended.SetResult();
    }

    /// <summary>Waits for a command, or for a batcher that has taken a batch.</summary>
    /// <returns>False once the thread is to end.</returns>
    private bool WaitForWork(out Action? command, out Batcher? batcher)
    {
        batcher = null;
        lock (Gate)
        {
            _busyUntil = default;
            while (true)
            {
                if (_commands.TryDequeue(out command)) return true;
                batcher = NextDue_NeedsLock(out var wait);
                if (batcher is null && wait != Timeout.InfiniteTimeSpan)
                {
                    _timer.Change(wait, Timeout.InfiniteTimeSpan);
                    // Time may have passed while the timer was set, and the timer would count from now.
                    batcher = NextDue_NeedsLock(out _);
                }

                if (batcher is not null)
                {
                    var now = Now;
                    _busyUntil = now + batcher.TakeBatch_NeedsLock(now);
                    if (batcher.IsEmpty_NeedsLock) Forget_NeedsLock(batcher);
                    return true;
                }

                if (IsStopping_NeedsLock) return false;
                Monitor.Wait(Gate);
            }
        }
    }

    /// <summary>
    /// Of the batchers whose batch is due, the one whose next request has waited longest; else how long until one is due. Those that
    /// cancelled requests have left empty are forgotten.
    /// </summary>
    private Batcher? NextDue_NeedsLock(out TimeSpan wait)
    {
        Batcher? longest = null;
        var now = Now;
        var soonest = TimeSpan.MaxValue;
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            var batcher = _waiting[i];
            if (batcher.IsEmpty_NeedsLock)
            {
                Forget_NeedsLock(batcher);
                continue;
            }

            var remaining = batcher.GetRemainingDelay_NeedsLock(now);
            if (remaining > TimeSpan.Zero)
                soonest = remaining < soonest ? remaining : soonest;
            else if (longest is null || batcher.HeadEnqueued_NeedsLock <= longest.HeadEnqueued_NeedsLock)
                longest = batcher;
        }

        // Timers count whole milliseconds: round up, or a delay of 0.5 ms would wake the thread over and over.
        wait = soonest == TimeSpan.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Ceiling(soonest.TotalMilliseconds));
        return longest;
    }

    private void Forget_NeedsLock(Batcher batcher)
    {
        _waiting.Remove(batcher);
        batcher.IsSignalled_NeedsLock = false;
    }

    public readonly struct Request(DeviceThread device) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref device._outstanding);
    }
}
