using System.Diagnostics.Tracing;

using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace OrleansInference.Tests.Shared.Programs;

/// <summary>What another process allocates on its managed heap, as its runtime counts it once a second.</summary>
internal sealed class AllocationMeter : IAsyncDisposable
{
    private readonly EventPipeSession _session;
    private readonly Task _reading;
    private readonly SemaphoreSlim _counted = new(0);
    private long _total;

    public AllocationMeter(int processId)
    {
        var counters = new EventPipeProvider(
            "System.Runtime", EventLevel.Informational, -1, new Dictionary<string, string> { ["EventCounterIntervalSec"] = "1" });
        _session = new DiagnosticsClient(processId).StartEventPipeSession([counters], requestRundown: false);
        _reading = Task.Run(() =>
        {
            using var source = new EventPipeEventSource(_session.EventStream);
            source.Dynamic.All += Count;
            source.Process();
        });
    }

    /// <summary>The bytes allocated since the meter was made, up to a moment after the call.</summary>
    public async Task<long> ReadAsync()
    {
        // The first count that comes may be of a second that had begun before the call.
        while (_counted.CurrentCount > 0) await _counted.WaitAsync();
        for (var count = 0; count < 2; count++)
        {
            if (!await _counted.WaitAsync(Poll.Limit)) throw new TimeoutException("The process counts no more.");
        }

        return Interlocked.Read(ref _total);
    }

    public async ValueTask DisposeAsync()
    {
        await _session.StopAsync(CancellationToken.None);
        await _reading;
        _session.Dispose();
    }

    private void Count(TraceEvent counters)
    {
        if (counters.EventName != "EventCounters") return;
        var counter = (IDictionary<string, object>)((IDictionary<string, object>)counters.PayloadValue(0))["Payload"];
        if ((string)counter["Name"] != "alloc-rate") return;
        Interlocked.Add(ref _total, Convert.ToInt64(counter["Increment"], null));
        _counted.Release();
    }
}
