namespace OrleansInference.Engine.Batching;

/// <summary>
/// The requests that wait for one model instance, in the order in which they are served: level by level, and on each first those whose
/// time in the queue is not over. All members are guarded by the device's gate.
/// </summary>
internal sealed class RequestQueue
{
    private readonly RequestLane[] _lanes;
    private readonly BatchingOptions _options;
    private readonly Action<PendingRequest> _expire;

    /// <param name="options">Levels and policies.</param>
    /// <param name="expire">Fails a request that has left the queue because it waited for too long.</param>
    public RequestQueue(BatchingOptions options, Action<PendingRequest> expire)
    {
        _options = options;
        _expire = expire;
        _lanes = new RequestLane[2 * Math.Max(1, options.PriorityLevels)];
        var shared = new QueueBound(options.DefaultPolicy.MaxQueueSize);
        for (var i = 0; i < _lanes.Length; i += 2)
        {
            var own = options.LevelPolicies.GetValueOrDefault((i / 2) + 1);
            var bound = own is null ? shared : new QueueBound(own.MaxQueueSize);
            _lanes[i] = new(i / 2, isDelayed: false, own ?? options.DefaultPolicy, bound);
            _lanes[i + 1] = new(i / 2, isDelayed: true, own ?? options.DefaultPolicy, bound);
        }
    }

    public int Count { get; private set; }

    public int Rows { get; private set; }

    /// <summary>No request has an earlier deadline. It may be too early by those that have left, until <see cref="RefreshLimits"/>.</summary>
    public TimeSpan NextDeadline { get; private set; } = TimeSpan.MaxValue;

    /// <summary>No request's time in the queue is over earlier; inexact in the same way.</summary>
    public TimeSpan NextTimeout { get; private set; } = TimeSpan.MaxValue;

    /// <summary>What is served next.</summary>
    public PendingRequest? First => FirstFrom(0);

    /// <summary>When the request came that has waited longest of those whose time is not over; else when the next to serve did.</summary>
    public TimeSpan FirstEnqueued
    {
        get
        {
            var earliest = TimeSpan.MaxValue;
            for (var i = 0; i < _lanes.Length; i += 2)
            {
                if (_lanes[i].First is { } first && first.Enqueued < earliest) earliest = first.Enqueued;
            }

            return earliest < TimeSpan.MaxValue ? earliest : First?.Enqueued ?? earliest;
        }
    }

    /// <summary>What is served after a request that waits.</summary>
    public PendingRequest? After(PendingRequest request) => request.Next ?? FirstFrom(IndexOf(request.Lane) + 1);

    /// <summary>Where requests of a priority wait.</summary>
    public RequestLane LaneOf(int priority)
    {
        if (_options.PriorityLevels == 0) return _lanes[0];
        var level = priority < 1 || priority > _options.PriorityLevels ? _options.DefaultPriority : priority;
        return _lanes[2 * (level - 1)];
    }

    /// <summary>The rows that are served before a request that comes now.</summary>
    public int RowsBefore(PendingRequest request)
    {
        var rows = 0;
        for (var i = IndexOf(request.Lane); i >= 0; i--) rows += _lanes[i].Rows;
        return rows;
    }

    /// <summary>Whether a request finds a place, and whose that is: a full queue gives up the least urgent for one that is more urgent.</summary>
    public bool HasPlace(PendingRequest request, out PendingRequest? displaced)
    {
        displaced = null;
        if (request.IsAdmitted || !request.Lane.Bound.IsFull) return true;
        for (var i = _lanes.Length - 1; _lanes[i].Level > request.Lane.Level; i--)
        {
            if (_lanes[i].Bound != request.Lane.Bound || _lanes[i].Last is not { IsAdmitted: false } last) continue;
            displaced = last;
            return true;
        }

        return false;
    }

    public void Add(PendingRequest request)
    {
        request.Lane.Add(request);
        Count++;
        Rows += request.Rows;
        NoteLimits(request);
    }

    public void Remove(PendingRequest request)
    {
        request.Lane.Remove(request);
        Count--;
        Rows -= request.Rows;
        if (Count == 0) NextDeadline = NextTimeout = TimeSpan.MaxValue;
    }

    /// <summary>Fails what has waited for too long, or puts it behind the others of its level, whichever the policy says.</summary>
    public void Expire(TimeSpan now)
    {
        // Almost always nothing has, and nobody looks at every request to find that out.
        if (NextDeadline > now && NextTimeout > now) return;
        NextDeadline = NextTimeout = TimeSpan.MaxValue;
        PendingRequest? next;
        for (var request = First; request is not null; request = next)
        {
            next = After(request);
            if (request.Deadline > now && request.Timeout > now)
            {
                NoteLimits(request);
            }
            else if (request.Deadline > now && request.Lane.Policy.IsDelayedOnTimeout)
            {
                request.Timeout = TimeSpan.MaxValue;
                var lane = _lanes[IndexOf(request.Lane) + 1];
                request.Lane.Remove(request);
                lane.Add(request);
                NoteLimits(request);
            }
            else
            {
                Remove(request);
                _expire(request);
            }
        }
    }

    /// <summary>Makes <see cref="NextDeadline"/> and <see cref="NextTimeout"/> exact.</summary>
    public void RefreshLimits()
    {
        NextDeadline = NextTimeout = TimeSpan.MaxValue;
        for (var request = First; request is not null; request = After(request)) NoteLimits(request);
    }

    private void NoteLimits(PendingRequest request)
    {
        if (request.Deadline < NextDeadline) NextDeadline = request.Deadline;
        if (request.Timeout < NextTimeout) NextTimeout = request.Timeout;
    }

    private PendingRequest? FirstFrom(int index)
    {
        for (; index < _lanes.Length; index++)
        {
            if (_lanes[index].First is { } first) return first;
        }

        return null;
    }

    private static int IndexOf(RequestLane lane) => (2 * lane.Level) + (lane.IsDelayed ? 1 : 0);
}
