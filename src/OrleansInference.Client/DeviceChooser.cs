using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace OrleansInference.Client;

/// <summary>
/// Chooses among the devices that have a model: the one of two random ones on which this process has less work outstanding.
/// Two choices come close to the least loaded device without herding (M. Mitzenmacher, "The Power of Two Choices in Randomized Load
/// Balancing", 2001).
/// </summary>
internal sealed class DeviceChooser(Random random)
{
    private readonly ConcurrentDictionary<string, Counter> _outstanding = new();

    public DeviceChooser()
        : this(Random.Shared)
    {
    }

    /// <summary>Chooses a ready instance other than the excluded one.</summary>
    public bool TryChoose(ModelEntry model, ModelInstanceId? excluded, [NotNullWhen(true)] out ModelInstanceId? chosen)
    {
        chosen = null;
        var ready = model.Instances.Where(instance => instance.State == ModelState.Ready && instance.Id != excluded).ToArray();
        if (ready.Length == 0) return false;
        var first = ready[random.Next(ready.Length)].Id;
        var second = ready[random.Next(ready.Length)].Id;
        chosen = CountOf(second.Device).Value < CountOf(first.Device).Value ? second : first;
        return true;
    }

    /// <summary>Counts one more request on a device, until what is returned is disposed.</summary>
    public Outstanding Count(string device) => new(CountOf(device));

    private Counter CountOf(string device) => _outstanding.GetOrAdd(device, _ => new());

    public readonly struct Outstanding : IDisposable
    {
        private readonly Counter _count;

        internal Outstanding(Counter count)
        {
            _count = count;
            Interlocked.Increment(ref count.Value);
        }

        public void Dispose() => Interlocked.Decrement(ref _count.Value);
    }

    internal sealed class Counter
    {
        public int Value;
    }
}
