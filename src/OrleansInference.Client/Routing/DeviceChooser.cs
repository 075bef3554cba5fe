using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace OrleansInference.Client.Routing;

/// <summary>
/// Chooses among the devices that have a model: the one of two random ones on which this process has less work outstanding.
/// Two choices come close to the least loaded device without herding (M. Mitzenmacher, "The Power of Two Choices in Randomized Load
/// Balancing", 2001).
/// </summary>
internal sealed class DeviceChooser(Random random)
{
    private readonly ConcurrentDictionary<string, OutstandingWork> _outstanding = new();

    public DeviceChooser()
        : this(Random.Shared)
    {
    }

    /// <summary>The work of this process on a device, whichever of the device's models it is for.</summary>
    public OutstandingWork GetWork(string device) => _outstanding.GetOrAdd(device, _ => new());

    /// <summary>Chooses a replica other than the excluded one.</summary>
    public bool TryChoose(IReadOnlyList<Replica> ready, Replica? excluded, [NotNullWhen(true)] out Replica? chosen)
    {
        chosen = null;
        var choices = ready.Count;
        var place = choices;
        if (excluded is not null)
        {
            for (place = 0; place < ready.Count && ready[place].Id != excluded.Id; place++)
            {
            }

            if (place < ready.Count) choices--;
        }

        if (choices == 0) return false;
        var first = random.Next(choices);
        chosen = Find(first);
        if (choices == 1) return true;
        // Another one than the first: of two devices the busier one is then never chosen.
        var second = random.Next(choices - 1);
        var other = Find(second < first ? second : second + 1);
        if (other.Work.Count < chosen.Work.Count) chosen = other;
        return true;

        Replica Find(int index) => ready[index < place ? index : index + 1];
    }

    /// <summary>
    /// Chooses the same replica for the same key, as long as it is there; when one goes or comes, no keys move but those that it had or gets
    /// (rendezvous hashing: D. Thaler, C. V. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998).
    /// </summary>
    public static bool TryChoose(IReadOnlyList<Replica> ready, Replica? excluded, string key, [NotNullWhen(true)] out Replica? chosen)
    {
        chosen = ready.Where(replica => replica.Id != excluded?.Id).MaxBy(replica => StableHash.Compute($"{replica.Id}\n{key}"));
        return chosen is not null;
    }
}

/// <summary>What is outstanding on a device.</summary>
internal sealed class OutstandingWork
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more request, until what is returned is disposed.</summary>
    public Request Begin()
    {
        Interlocked.Increment(ref _count);
        return new(this);
    }

    public readonly struct Request(OutstandingWork work) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref work._count);
    }
}
