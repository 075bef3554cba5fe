using OrleansInference.Ensembles;

namespace OrleansInference.Client.Ensembles;

/// <summary>What an ensemble has done in this process, and what bounds its steps.</summary>
internal sealed class EnsembleRecord
{
    private readonly Lock _gate = new();
    private readonly EnsemblePlan _plan;
    private readonly Dictionary<string, DurationStatistics[]> _members;
    private readonly Dictionary<string, SemaphoreSlim>? _places;
    private DateTimeOffset? _last;
    private DurationStatistics _success;
    private DurationStatistics _fail;
    private long _rows;
    private int _underWay;

    public EnsembleRecord(EnsemblePlan plan)
    {
        _plan = plan;
        _members = plan.Steps.ToDictionary(step => step.Name, _ => new DurationStatistics[Enum.GetValues<MemberOutcome>().Length]);
        if (plan.MaxInFlightRequests > 0) _places = plan.Steps.ToDictionary(step => step.Name, _ => new SemaphoreSlim(plan.MaxInFlightRequests));
    }

    public EnsemblePlan Plan => _plan;

    /// <summary>Where requests wait until a step has a place for one more; null where it has no limit.</summary>
    public SemaphoreSlim? FindPlaces(string step) => _places?[step];

    public void Begin() => Interlocked.Increment(ref _underWay);

    /// <param name="rows">The rows answered; 0 where the request failed.</param>
    /// <param name="elapsed">How long the request took.</param>
    /// <param name="now">When it ended.</param>
    public void End(int rows, TimeSpan elapsed, DateTimeOffset now)
    {
        Interlocked.Decrement(ref _underWay);
        lock (_gate)
        {
            _last = now;
            _rows += rows;
            if (rows > 0) _success += Once(elapsed);
            else _fail += Once(elapsed);
        }
    }

    public void RecordStep(string step, MemberOutcome outcome, TimeSpan elapsed)
    {
        lock (_gate) _members[step][(int)outcome] += Once(elapsed);
    }

    public ModelStatistics Read()
    {
        lock (_gate)
        {
            return new()
            {
                LastInference = _last,
                InferenceCount = _rows,
                ExecutionCount = _success.Count,
                Success = _success,
                Fail = _fail,
                QueueDepth = Volatile.Read(ref _underWay),
                Members =
                [
                    .. _plan.Steps.Select(step => new MemberStatistics(
                        step.Name,
                        step.Model,
                        _members[step.Name][(int)MemberOutcome.Answered],
                        _members[step.Name][(int)MemberOutcome.Failed],
                        _members[step.Name][(int)MemberOutcome.Late],
                        _members[step.Name][(int)MemberOutcome.Cancelled])),
                ],
            };
        }
    }

    private static DurationStatistics Once(TimeSpan elapsed) => new(1, elapsed.Ticks * TimeSpan.NanosecondsPerTick);
}
