using System.IO.Pipelines;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Gives up on a caller that takes nothing of what is written. The server's own limit counts bytes per second over a whole connection, and
/// waits for hours where some megabytes went fast before.
/// </summary>
internal sealed class ImpatientPipe(PipeWriter inner, TimeProvider time) : PipeWriter
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <exception cref="InferenceException"><see cref="InferenceError.DeadlineExceeded"/>: there is no room for it for too long.</exception>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var flush = inner.FlushAsync(cancellationToken);
        return flush.IsCompleted ? flush : new(WaitAsync(flush.AsTask(), cancellationToken));
    }

    private async Task<FlushResult> WaitAsync(Task<FlushResult> flush, CancellationToken cancellationToken)
    {
        try
        {
            return await flush.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new InferenceException(
                InferenceError.DeadlineExceeded, $"the caller has taken no answers for {Patience.TotalSeconds:F0} s", exception);
        }
    }
}
