namespace OrleansInference.Grains.Models;

/// <summary>The streams that the models of this silo answer. A silo that stops waits for them, but not for ever.</summary>
internal sealed class LiveStreams
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private TaskCompletionSource? _drained;
    private int _count;

    /// <summary>Cancelled when the silo can wait no longer.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>Counts one more, until what is returned is disposed.</summary>
    public IDisposable Count()
    {
        lock (_gate) _count++;
        return new Counted(this);
    }

    /// <summary>Waits until there are none, and has those ended that take longer than the limit.</summary>
    public async Task DrainAsync(TimeSpan limit, TimeProvider time)
    {
        Task drained;
        lock (_gate)
        {
            if (_count == 0) return;
            _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
            drained = _drained.Task;
        }

        try
        {
            await drained.WaitAsync(limit, time);
        }
        catch (TimeoutException)
        {
            await _end.CancelAsync();
        }
    }

    private sealed class Counted(LiveStreams streams) : IDisposable
    {
        public void Dispose()
        {
            lock (streams._gate)
            {
                if (--streams._count == 0) streams._drained?.TrySetResult();
            }
        }
    }
}
