using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests;

/// <summary>
/// A model that returns its inputs, remembers its batches, and does what a test wants: waits at a gate, or fails on negative numbers.
/// </summary>
internal sealed class ScriptedModel : IModelInstance
{
    private readonly SemaphoreSlim _started = new(0);
    private readonly SemaphoreSlim _gate = new(0);

    /// <summary>For each forward pass the first element of each item.</summary>
    public List<int[]> Batches { get; } = [];

    /// <summary>For each forward pass the last dimension of each item's first tensor.</summary>
    public List<long[]> Widths { get; } = [];

    public bool Gated { get; set; }

    /// <summary>What a pass of some rows does before it ends.</summary>
    public Action<int>? Work { get; set; }

    public bool Disposed { get; private set; }

    public int ThreadId { get; private set; }

    /// <summary>Waits until a gated forward pass has begun.</summary>
    public Task StartedAsync() => _started.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    /// <summary>Lets one gated forward pass end.</summary>
    public void Release() => _gate.Release();

    public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
    {
        ThreadId = Environment.CurrentManagedThreadId;
        var firsts = items.Select(item => item[0].AsSpan<int>()[0]).ToArray();
        lock (Batches)
        {
            Batches.Add(firsts);
            Widths.Add([.. items.Select(item => item[0].Shape[^1])]);
        }

        if (Gated)
        {
            _started.Release();
            _gate.Wait(TimeSpan.FromSeconds(30));
        }

        Work?.Invoke(items.Sum(item => (int)item[0].Shape[0]));
        return firsts.Any(first => first < 0)
            ? throw new InferenceException(InferenceError.ModelFailed, "negative numbers are not for this model")
            : new([.. items.Select(item => item.ToArray())], TimeSpan.FromTicks(1), TimeSpan.FromTicks(2), TimeSpan.FromTicks(3));
    }

    public void Dispose() => Disposed = true;
}
