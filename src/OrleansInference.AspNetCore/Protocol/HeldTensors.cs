using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The tensors of many requests that are under way at once, counted among the bodies that are held until they are answered.</summary>
internal sealed class HeldTensors(RequestMemory memory) : IDisposable
{
    private long _held;

    /// <exception cref="InferenceException"><see cref="InferenceError.QueueFull"/>: all that is held would be too large.</exception>
    public void Hold(IReadOnlyList<InferenceTensor> tensors)
    {
        var size = SizeOf(tensors);
        if (!memory.TryHold(size, out var refusal)) throw refusal;
        Interlocked.Add(ref _held, size);
    }

    public void Release(IReadOnlyList<InferenceTensor> tensors)
    {
        var size = SizeOf(tensors);
        Interlocked.Add(ref _held, -size);
        memory.Release(size);
    }

    /// <summary>Releases what has not been answered, and is not going to be.</summary>
    public void Dispose() => memory.Release(Interlocked.Exchange(ref _held, 0));

    private static long SizeOf(IReadOnlyList<InferenceTensor> tensors) => tensors.Sum(tensor => (long)tensor.Data.Length);
}
