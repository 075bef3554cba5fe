using System.Collections.Concurrent;

namespace OrleansInference.Grains.Inference;

/// <summary>The calls from other processes that this silo has under way, whichever of its grains has them.</summary>
internal sealed class CallsUnderWay
{
    private readonly ConcurrentDictionary<long, bool> _calls = new();

    /// <summary>Knows a call until what is returned is disposed.</summary>
    public Noted Note(long call)
    {
        if (call != 0) _calls[call] = true;
        return new(this, call);
    }

    public long[] FindUnknown(long[] calls) => Array.FindAll(calls, call => !_calls.ContainsKey(call));

    public readonly struct Noted(CallsUnderWay owner, long call) : IDisposable
    {
        public void Dispose()
        {
            if (call != 0) owner._calls.TryRemove(call, out _);
        }
    }
}
