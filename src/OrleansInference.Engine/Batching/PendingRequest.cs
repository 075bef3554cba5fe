using System.Threading.Tasks.Sources;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>
/// A request in a batcher's queue or in a batch: its own place in the list and its own task, so that it is the one object that waiting
/// costs. The first to complete it decides: an answer, a deadline, a cancellation.
/// </summary>
/// <param name="batcher">Whose queue it is for.</param>
/// <param name="lane">Where it waits.</param>
/// <param name="inputs">The tensors, in the order of the network's signature.</param>
/// <param name="rows">The length of the inputs' batch dimension; 1 where the model does not batch.</param>
/// <param name="isAdmitted">Whether it goes on with what has been admitted before, and has a place however full the queue is.</param>
/// <param name="enqueued">When it came, by the device's clock.</param>
/// <param name="deadline">When it is too late for an answer, by the same clock; <see cref="TimeSpan.MaxValue"/> for never.</param>
internal sealed class PendingRequest(
    Batcher batcher, RequestLane lane, InferenceTensor[] inputs, int rows, bool isAdmitted, TimeSpan enqueued, TimeSpan deadline)
    : IValueTaskSource<InferenceTensor[]>
{
    // Callers' continuations must not run on the device thread.
    private ManualResetValueTaskSourceCore<InferenceTensor[]> _completion = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private int _completed;

    public InferenceTensor[] Inputs => inputs;

    public int Rows => rows;

    public bool IsAdmitted => isAdmitted;

    public TimeSpan Enqueued => enqueued;

    public TimeSpan Deadline => deadline;

    /// <summary>The length of its inputs where they are padded.</summary>
    public long Length { get; init; }

    /// <summary>The length to which they are padded; 0 for that of the longest in the batch.</summary>
    public long Bucket { get; init; }

    /// <summary>When its time in the queue is over; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan Timeout { get; set; } = lane.Policy.Timeout > TimeSpan.Zero ? enqueued + lane.Policy.Timeout : TimeSpan.MaxValue;

    /// <summary>Where it waits, or did. This and what follows is guarded by the device's gate.</summary>
    public RequestLane Lane { get; set; } = lane;

    public bool IsQueued { get; set; }

    public PendingRequest? Previous { get; set; }

    public PendingRequest? Next { get; set; }

    /// <summary>The answer; to be awaited once.</summary>
    public ValueTask<InferenceTensor[]> Answer => new(this, _completion.Version);

    public bool IsCompleted => Volatile.Read(ref _completed) != 0;

    /// <summary>Has cancellation complete the request. Called before it is queued: what completes it finds the registration then.</summary>
    public void Register(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled) return;
        _registration = cancellationToken.UnsafeRegister(static (state, token) => ((PendingRequest)state!).Cancel(token), this);
    }

    public bool TryComplete(InferenceTensor[] outputs)
    {
        if (!TryDecide()) return false;
        _completion.SetResult(outputs);
        return true;
    }

    /// <summary>Fails the request, and counts that, unless something else has completed it.</summary>
    public void TryFail(Exception exception, StatisticsRecorder statistics, TimeSpan now)
    {
        if (!TryDecide()) return;
        statistics.RecordFailure(now - enqueued);
        _completion.SetException(exception);
    }

    InferenceTensor[] IValueTaskSource<InferenceTensor[]>.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<InferenceTensor[]>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<InferenceTensor[]>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    private void Cancel(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _completed, 1) != 0) return;
        batcher.Forget(this);
        _completion.SetException(new OperationCanceledException(cancellationToken));
    }

    private bool TryDecide()
    {
        if (Interlocked.Exchange(ref _completed, 1) != 0) return false;
        _registration.Unregister();
        return true;
    }
}
