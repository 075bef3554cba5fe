using System.Collections.Concurrent;

using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Models;

/// <summary>
/// This silo's model instances: written by their grains, read by the <see cref="SiloReporter"/> and by whoever needs to know what
/// exactly is loaded.
/// </summary>
internal sealed class ModelInstances
{
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<ModelInstanceId, (ModelInstanceStatus Status, ModelVersion? Loaded)> _instances = new();
    private readonly CancellationTokenSource _streamsEnd = new();
    private int _streams;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<ModelInstanceStatus> All => [.. _instances.Values.Select(instance => instance.Status)];

    public IReadOnlyList<ModelDescriptor> Loaded =>
        [.. _instances.Values.Select(instance => instance.Loaded).OfType<ModelVersion>().Distinct().Select(version => version.Descriptor)];

    /// <summary>Cancelled when the silo can wait for streams no longer.</summary>
    public CancellationToken StreamsEnd => _streamsEnd.Token;

    /// <summary>Counts one more stream, until what is returned is disposed.</summary>
    public IDisposable CountStream() => new CountedStream(this);

    /// <summary>Waits for the streams of a silo that stops, and ends those that take too long.</summary>
    public async Task DrainStreamsAsync(TimeSpan limit, TimeProvider time)
    {
        var started = time.GetTimestamp();
        while (Volatile.Read(ref _streams) > 0)
        {
            if (time.GetElapsedTime(started) > limit)
            {
                await _streamsEnd.CancelAsync();
                return;
            }

            await Task.Delay(DrainInterval, time);
        }
    }

    /// <summary>Ends with the next change. To be taken before the others are read, so that no change falls between.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>What an instance has been loaded from; null where it is not loaded, or not here.</summary>
    public ModelVersion? FindLoaded(ModelInstanceId id) => _instances.TryGetValue(id, out var instance) ? instance.Loaded : null;

    public void Set(ModelInstanceStatus status, ModelVersion? loaded)
    {
        _instances[status.Id] = (status, loaded);
        SignalChange();
    }

    public void Remove(ModelInstanceId id)
    {
        _instances.TryRemove(id, out _);
        SignalChange();
    }

    private sealed class CountedStream : IDisposable
    {
        private readonly ModelInstances _instances;

        public CountedStream(ModelInstances instances)
        {
            _instances = instances;
            Interlocked.Increment(ref instances._streams);
        }

        public void Dispose() => Interlocked.Decrement(ref _instances._streams);
    }

    private void SignalChange() =>
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
