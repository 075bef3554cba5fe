using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace OrleansInference.Client.Routing;

/// <summary>
/// Chooses among the devices that have a model: one of this process's own that is idle, or else the one of two random ones that has less work
/// outstanding. Two choices come close to the least loaded device without herding (M. Mitzenmacher, "The Power of Two Choices in
/// Randomized Load Balancing", 2001). A silo that has lost calls is asked only where no other can be.
/// </summary>
internal sealed class DeviceChooser(Random random, TimeProvider time, ILocalModels? local = null)
{
    /// <summary>So often a random device may turn out not to be eligible, before all are looked through.</summary>
    private const int MaxDraws = 4;

    private readonly ConcurrentDictionary<string, OutstandingWork> _devices = new();
    private readonly ConcurrentDictionary<string, SiloRecord> _silos = new();

    /// <summary>The work on a device, whichever of the device's models it is for.</summary>
    public OutstandingWork GetWork(string device) => _devices.GetOrAdd(
        device, name => new(_silos.GetOrAdd(ModelInstanceId.SiloOf(name), silo => new(silo, time)), time));

    /// <summary>The silos that have models.</summary>
    public IEnumerable<SiloRecord> Silos => _silos.Values;

    /// <summary>Whether a device is this process's own.</summary>
    public bool IsLocal(string device) => local is not null && ModelInstanceId.SiloOf(device) == local.SiloName;

    /// <summary>Forgets devices and silos that are not there any more.</summary>
    /// <param name="devices">Those that are.</param>
    public void Keep(IReadOnlySet<string> devices)
    {
        foreach (var (device, work) in _devices)
        {
            if (work.Count == 0 && !devices.Contains(device)) _devices.TryRemove(device, out _);
        }

        var silos = _devices.Keys.Select(ModelInstanceId.SiloOf).ToHashSet();
        foreach (var silo in _silos.Keys.Where(silo => !silos.Contains(silo))) _silos.TryRemove(silo, out _);
    }

    /// <summary>Chooses a replica other than those that have been tried; the same for equal keys.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tried">Those that are not to be asked again.</param>
    /// <param name="key">Keeps requests on one device; null where any will do.</param>
    /// <param name="chosen">The replica.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryChoose(PublishedModel model, IReadOnlySet<ModelInstanceId>? tried, string? key, [NotNullWhen(true)] out Replica? chosen)
    {
        chosen = key is null ? ChooseIdle(model, tried) : ChooseFor(key, model, tried);
        return chosen is not null;
    }

    private Replica? ChooseIdle(PublishedModel model, IReadOnlySet<ModelInstanceId>? tried)
    {
        foreach (var near in model.Local)
        {
            if (near.Work.Load == 0 && tried?.Contains(near.Id) != true) return near;
        }

        var first = Draw(model.Ready, tried, null, suspects: false) ?? Draw(model.Ready, tried, null, suspects: true);
        if (first is null || model.Ready.Count == 1) return first;
        // Another one than the first: of two devices the busier one is then never chosen.
        var second = Draw(model.Ready, tried, first, suspects: false);
        return second is not null && second.Work.Load < first.Work.Load ? second : first;
    }

    /// <summary>
    /// The same replica for the same key, as long as it is there; when one goes or comes, no keys move but those that it had or gets
    /// (rendezvous hashing: D. Thaler, C. V. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998).
    /// </summary>
    private static Replica? ChooseFor(string key, PublishedModel model, IReadOnlySet<ModelInstanceId>? tried) => model.Ready
        .Where(replica => tried?.Contains(replica.Id) != true)
        .OrderBy(replica => replica.Work.Silo.IsSuspect)
        .ThenByDescending(replica => StableHash.Compute($"{replica.Id}\n{key}"))
        .FirstOrDefault();

    /// <summary>A random replica that may be asked; the next one in order where few may.</summary>
    private Replica? Draw(IReadOnlyList<Replica> ready, IReadOnlySet<ModelInstanceId>? tried, Replica? other, bool suspects)
    {
        for (var draw = 0; draw < MaxDraws && ready.Count > 0; draw++)
        {
            var replica = ready[random.Next(ready.Count)];
            if (MayBeAsked(replica)) return replica;
        }

        var start = ready.Count == 0 ? 0 : random.Next(ready.Count);
        for (var i = 0; i < ready.Count; i++)
        {
            var replica = ready[(start + i) % ready.Count];
            if (MayBeAsked(replica)) return replica;
        }

        return null;

        bool MayBeAsked(Replica replica) =>
            replica != other && (suspects || !replica.Work.Silo.IsSuspect) && tried?.Contains(replica.Id) != true;
    }
}
