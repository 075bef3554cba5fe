using System.Collections.Concurrent;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Models;

/// <summary>
/// This silo's model instances: written by their grains, read by the <see cref="SiloReporter"/>, by the workers, and by the clients of this process.
/// </summary>
internal sealed class ModelInstances(EngineOptions options) : ILocalModels
{
    private readonly ConcurrentDictionary<ModelInstanceId, (ModelInstanceStatus Status, ModelVersion? Loaded, ILoadedModel? Model)> _instances = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string SiloName => options.SiloName;

    public IReadOnlyList<ModelInstanceStatus> All => [.. _instances.Values.Select(instance => instance.Status)];

    public IReadOnlyList<ModelDescriptor> Loaded =>
        [.. _instances.Values.Select(instance => instance.Loaded).OfType<ModelVersion>().Distinct().Select(version => version.Descriptor)];

    /// <summary>How busy those are that are loaded.</summary>
    public IReadOnlyList<InstanceLoad> Loads
    {
        get
        {
            return [.. _instances.Where(pair => pair.Value.Model is not null).Select(pair => ToLoad(pair.Key, pair.Value.Model!.GetStatistics()))];

            static InstanceLoad ToLoad(ModelInstanceId id, ModelStatistics statistics) =>
                new(id, statistics.QueueDepth, statistics.Success.Count, statistics.Queue.Nanoseconds, statistics.Success.Nanoseconds);
        }
    }

    /// <summary>Ends with the next change. To be taken before the others are read, so that no change falls between.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>What an instance has been loaded from, and the loaded model; null where it is not loaded, or not here.</summary>
    public (ModelVersion Version, ILoadedModel Model)? FindServing(ModelInstanceId id) =>
        _instances.TryGetValue(id, out var instance) && instance is { Loaded: { } version, Model: { } model } ? (version, model) : null;

    public Task<InferenceResponse>? TryInferAsync(ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken) =>
        _instances.TryGetValue(instance, out var found) ? found.Model?.InferAsync(request, cancellationToken) : null;

    public void Set(ModelInstanceStatus status, ModelVersion? loaded, ILoadedModel? model)
    {
        _instances[status.Id] = (status, loaded, model);
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
