namespace OrleansInference.Client.Routing;

/// <summary>What is outstanding on a device: by this process, which knows, and by others, as the device's latest answer tells.</summary>
/// <param name="silo">The device's silo.</param>
/// <param name="time">The clock.</param>
internal sealed class OutstandingWork(SiloRecord silo, TimeProvider time)
{
    /// <summary>What a device has said of others' work is forgotten after this: it may be over.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private int _count;
    private int _others;
    private long _learned;

    public SiloRecord Silo => silo;

    /// <summary>Requests of this process.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>All requests that the device is thought to have.</summary>
    public int Load =>
        Count + (Volatile.Read(ref _others) is var others and > 0 && time.GetElapsedTime(Volatile.Read(ref _learned)) < Freshness ? others : 0);

    private long Now => time.GetTimestamp();

    /// <summary>Counts one more request, until what is returned is disposed.</summary>
    public Request Begin()
    {
        Interlocked.Increment(ref _count);
        return new(this);
    }

    public readonly struct Request(OutstandingWork work) : IDisposable
    {
        /// <summary>Takes in what came with the answer.</summary>
        /// <param name="deviceLoad">What the device has besides this request.</param>
        public void Answered(int deviceLoad)
        {
            work.Silo.RecordAnswer();
            Volatile.Write(ref work._others, deviceLoad - (work.Count - 1));
            Volatile.Write(ref work._learned, work.Now);
        }

        public void Dispose() => Interlocked.Decrement(ref work._count);
    }
}
