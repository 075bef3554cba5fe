using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>A request in a batcher's queue or in a batch. The first to complete it decides: an answer, a deadline, a cancellation.</summary>
internal sealed class PendingRequest(
    InferenceTensor[] inputs, int rows, int priority, bool isAdmitted, DateTimeOffset? deadline, long enqueued)
{
    // Callers' continuations must not run on the device thread.
    private readonly TaskCompletionSource<InferenceTensor[]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InferenceTensor[] Inputs => inputs;

    /// <summary>The length of the inputs' batch dimension; 1 where the model does not batch.</summary>
    public int Rows => rows;

    /// <summary>Lower numbers are served first; equal ones as they come.</summary>
    public int Priority => priority;

    /// <summary>Whether it goes on with what has been admitted before, and has a place in the queue however full that is.</summary>
    public bool IsAdmitted => isAdmitted;

    /// <summary>A timestamp of the batcher's clock.</summary>
    public long Enqueued => enqueued;

    /// <summary>The place in the queue; null before and after. Guarded by the device's gate.</summary>
    public LinkedListNode<PendingRequest>? Node { get; set; }

    public CancellationTokenRegistration Registration { get; set; }

    public Task<InferenceTensor[]> Task => _completion.Task;

    public bool IsExpired(DateTimeOffset now) => deadline <= now;

    public bool TryComplete(InferenceTensor[] outputs)
    {
        Registration.Unregister();
        return _completion.TrySetResult(outputs);
    }

    public bool TryFail(Exception exception)
    {
        Registration.Unregister();
        return _completion.TrySetException(exception);
    }

    public bool TryCancel(CancellationToken cancellationToken) => _completion.TrySetCanceled(cancellationToken);

    /// <summary>Whether two requests may share a batch: all inputs agree in all dimensions but the first.</summary>
    public bool HasSameShapes(PendingRequest other)
    {
        for (var i = 0; i < inputs.Length; i++)
        {
            if (!inputs[i].Shape[1..].SequenceEqual(other.Inputs[i].Shape[1..])) return false;
        }

        return true;
    }
}
