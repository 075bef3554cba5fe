using System.Collections.Concurrent;

namespace OrleansInference.Grains.Models;

/// <summary>The states of this silo's model instances: written by their grains, read by the <see cref="SiloReporter"/>.</summary>
internal sealed class ModelInstances
{
    private readonly ConcurrentDictionary<ModelInstanceId, ModelInstanceStatus> _instances = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<ModelInstanceStatus> All => [.. _instances.Values];

    /// <summary>Ends with the next change. To be taken before <see cref="All"/> is read, so that no change falls between.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    public void Set(ModelInstanceStatus status)
    {
        _instances[status.Id] = status;
        SignalChange();
    }

    public void Remove(ModelInstanceId id)
    {
        _instances.TryRemove(id, out _);
        SignalChange();
    }

    private void SignalChange() =>
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
