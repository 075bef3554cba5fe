namespace OrleansInference.Client.Routing;

/// <summary>Whether a silo answers, as far as this process has seen: a circuit that opens with a loss and closes with an answer.</summary>
/// <param name="time">The clock.</param>
internal sealed class SiloRecord(TimeProvider time)
{
    private ICallHolder? _suspect;
    private long _answered;

    /// <summary>Whether it has lost a call of late, or has not said in time what has become of one. Others are asked first.</summary>
    public bool IsSuspect => Volatile.Read(ref _suspect) is not null;

    /// <summary>The grain whose answer would clear it; null where it is not suspected.</summary>
    public ICallHolder? Suspect => Volatile.Read(ref _suspect);

    /// <summary>When it has answered anything for the last time, by the clock's timestamps.</summary>
    public long Answered => Volatile.Read(ref _answered);

    public void RecordLoss(ICallHolder holder) => Volatile.Write(ref _suspect, holder);

    public void RecordAnswer()
    {
        Volatile.Write(ref _answered, time.GetTimestamp());
        if (IsSuspect) Volatile.Write(ref _suspect, null);
    }
}
