namespace OrleansInference.Client.Routing;

/// <summary>Counts the copies of requests that a version gets, and bounds how many are under way.</summary>
internal sealed class ShadowRecord
{
    /// <summary>Copies hold their request and its answer: more than these would be a burden of their own.</summary>
    public const int MaxUnderWay = 64;

    private int _underWay;
    private long _compared;
    private long _different;
    private long _failed;
    private long _skipped;

    public ShadowStatistics Statistics => new(
        Interlocked.Read(ref _compared), Interlocked.Read(ref _different), Interlocked.Read(ref _failed), Interlocked.Read(ref _skipped));

    /// <summary>Begins a copy, or counts that it was skipped.</summary>
    public bool TryBegin()
    {
        if (Interlocked.Increment(ref _underWay) <= MaxUnderWay) return true;
        Interlocked.Decrement(ref _underWay);
        Interlocked.Increment(ref _skipped);
        return false;
    }

    /// <param name="isEqual">Whether the answers are equal; null where the copy failed.</param>
    public void End(bool? isEqual)
    {
        if (isEqual is null) Interlocked.Increment(ref _failed);
        else Interlocked.Increment(ref _compared);
        if (isEqual == false) Interlocked.Increment(ref _different);
        Interlocked.Decrement(ref _underWay);
    }
}
