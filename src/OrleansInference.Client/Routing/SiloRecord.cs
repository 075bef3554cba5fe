namespace OrleansInference.Client.Routing;

/// <summary>Whether a silo answers, as far as this process has seen: a circuit that opens with a loss and closes with an answer.</summary>
/// <param name="name">The silo.</param>
/// <param name="time">The clock.</param>
internal sealed class SiloRecord(string name, TimeProvider time)
{
    private ICallHolder? _suspect;
    private IInferenceWorkerGrain? _worker;
    private long _answered;

    public string Name => name;

    /// <summary>A worker at the other end of a connection to the silo itself; null where calls go by way of whichever silo the runtime chooses.</summary>
    public IInferenceWorkerGrain? Worker
    {
        get => Volatile.Read(ref _worker);
        set => Volatile.Write(ref _worker, value);
    }

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
