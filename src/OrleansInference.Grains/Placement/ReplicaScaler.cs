namespace OrleansInference.Grains.Placement;

/// <summary>
/// Decides how many replicas a model is to have by what they have had to do lately. More come at once, fewer one by one and only after a calm minute,
/// so that a load that goes up and down does not have a model loaded and unloaded with it.
/// </summary>
/// <remarks>
/// By Little's law (J. D. C. Little, "A Proof for the Queuing Formula L = lambda W", 1961) the mean number of requests that are there at a time is the
/// time that all of them have taken, over the time in which they came.
/// </remarks>
internal sealed class ReplicaScaler
{
    /// <summary>Over less time than this, what has been counted says little.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(4);

    /// <summary>What has been added needs as long to show an effect.</summary>
    private static readonly TimeSpan UpPause = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan CalmTime = TimeSpan.FromMinutes(1);

    private readonly Dictionary<ModelInstanceId, InstanceLoad> _seen = [];
    private TimeSpan? _observed;
    private TimeSpan _lastUp;
    private TimeSpan _lastBusy;
    private TimeSpan _calmSince;

    /// <param name="limits">The limits at first.</param>
    /// <param name="replicas">How many there are already.</param>
    public ReplicaScaler(Autoscaling limits, int replicas) => Replicas = Math.Clamp(replicas, limits.MinReplicas, Math.Max(limits.MinReplicas, limits.MaxReplicas));

    /// <summary>How many replicas there are to be.</summary>
    public int Replicas { get; private set; }

    /// <summary>
    /// The instances that had been left without a request for so long, when they were looked at last, that they are to leave their devices. They are to be told
    /// once: a moment later a request may have loaded them anew.
    /// </summary>
    public IReadOnlyCollection<ModelInstanceId> Resting { get; private set; } = [];

    /// <summary>Takes in what the instances say.</summary>
    /// <param name="limits">The limits, which may have changed.</param>
    /// <param name="loads">All instances of the model version that are loaded.</param>
    /// <param name="now">The time, by a clock that never jumps.</param>
    public void Observe(Autoscaling limits, IReadOnlyCollection<InstanceLoad> loads, TimeSpan now)
    {
        Resting = [];
        _observed ??= _lastBusy = _calmSince = now;
        var elapsed = now - _observed.Value;
        if (elapsed < Window) return;
        var isNew = loads.Any(load => !_seen.ContainsKey(load.Id));
        var (requests, queued, total) = Count(loads);
        _observed = now;
        // One that has been loaded meanwhile was loaded for a reason, though its first request may not have been answered yet.
        if (requests > 0 || isNew || loads.Any(load => load.QueueDepth > 0)) _lastBusy = now;
        var outstanding = total / 1e6 / elapsed.TotalMilliseconds;
        var meanQueue = requests == 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds(queued / 1000.0 / requests);
        Decide(limits, (int)Math.Ceiling(outstanding / limits.TargetOutstanding), meanQueue, now);
        Replicas = Math.Clamp(Replicas, limits.MinReplicas, limits.MaxReplicas);
        if (limits.MinReplicas > 0 || now - _lastBusy < limits.IdleTime) return;
        Replicas = 0;
        Resting = [.. loads.Select(load => load.Id)];
    }

    private void Decide(Autoscaling limits, int needed, TimeSpan meanQueue, TimeSpan now)
    {
        if (meanQueue > limits.TargetQueueTime) needed = Math.Max(needed, Replicas + 1);
        if (Replicas == 0 && _lastBusy == now) needed = Math.Max(needed, 1);
        var isCalm = needed < Replicas && meanQueue < limits.TargetQueueTime / 2;
        if (!isCalm) _calmSince = now;
        if (needed > Replicas && (Replicas == 0 || now - _lastUp >= UpPause || _lastUp == default))
        {
            Replicas = Math.Min(needed, limits.MaxReplicas);
            _lastUp = now;
        }
        else if (Replicas > 1 && now - _calmSince >= CalmTime)
        {
            Replicas--;
            _calmSince = now;
        }
    }

    /// <summary>What has come since the last time. Instances count from 0 when they are loaded anew.</summary>
    private (long Requests, long QueueNanoseconds, long TotalNanoseconds) Count(IReadOnlyCollection<InstanceLoad> loads)
    {
        var (requests, queued, total) = (0L, 0L, 0L);
        foreach (var load in loads)
        {
            var before = _seen.TryGetValue(load.Id, out var seen) && seen.Requests <= load.Requests ? seen : default;
            requests += load.Requests - before.Requests;
            queued += load.QueueNanoseconds - before.QueueNanoseconds;
            total += load.TotalNanoseconds - before.TotalNanoseconds;
        }

        _seen.Clear();
        foreach (var load in loads) _seen[load.Id] = load;
        return (requests, queued, total);
    }
}
