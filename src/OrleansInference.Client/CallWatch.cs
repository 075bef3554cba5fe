using System.Collections.Concurrent;
using System.Security.Cryptography;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>
/// Notices calls whose answers will not come. The runtime fails a client's calls when their own time limit is over, and a silo's when the
/// cluster's membership has given up the silo that had them; a request need not wait for either, since another device can answer it. So
/// whoever has waited for a moment asks the grain, by the way that the call took, whether it still has the call.
/// </summary>
internal sealed class CallWatch(DeviceChooser chooser, TimeProvider time, ILogger<CallWatch> logger) : BackgroundService
{
    /// <summary>How often calls are looked at. Twice this is the least age at which one is asked about.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan Patience = 2 * Interval;

    /// <summary>
    /// How long a grain has to say what it has: an inquiry does nothing there but look into a table. Longer than a busy machine makes a
    /// thread wait; what is given up wrongly costs a second run.
    /// </summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(750);

    private readonly ConcurrentDictionary<long, Call> _calls = new();
    private readonly ConcurrentDictionary<ICallHolder, bool> _asking = new(ReferenceEqualityComparer.Instance);

    // Calls of different processes must not be taken for each other.
    private long _last = RandomNumberGenerator.GetInt32(int.MaxValue) * (1L << 32);

    private long Now => time.GetTimestamp();

    /// <summary>Watches a call until what is returned is disposed.</summary>
    /// <param name="holder">The grain that is called.</param>
    /// <param name="silo">Its silo; null where nobody knows.</param>
    /// <param name="misses">After how many inquiries without an answer it is given up.</param>
    /// <param name="cancellationToken">The caller's own token.</param>
    public Call Begin(ICallHolder holder, SiloRecord? silo, int misses, CancellationToken cancellationToken)
    {
        var call = new Call(this, Interlocked.Increment(ref _last), holder, silo, misses, cancellationToken);
        _calls[call.Id] = call;
        return call;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            foreach (var calls in _calls.Values.Where(call => time.GetElapsedTime(call.Began) >= Patience).GroupBy(call => call.Holder))
                AskAsync(calls.Key, [.. calls], calls.First().Silo, stoppingToken).Ignore();
            foreach (var silo in chooser.Suspects)
            {
                if (silo.Suspect is { } holder) AskAsync(holder, [], silo, stoppingToken).Ignore();
            }
        }
    }

    private async Task AskAsync(ICallHolder holder, Call[] calls, SiloRecord? silo, CancellationToken cancellationToken)
    {
        if (!_asking.TryAdd(holder, true)) return;
        try
        {
            var lost = await holder.FindLostAsync([.. calls.Select(call => call.Id)]).AsTask()
                .WaitAsync(AnswerTime, time, cancellationToken).ConfigureAwait(false);
            silo?.RecordAnswer();
            foreach (var call in calls.Where(call => lost.Contains(call.Id))) call.Doubt();
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            silo?.RecordLoss(holder);
            if (calls.Length > 0) Log.CallsLost(logger, exception, calls.Length);
            foreach (var call in calls) call.Miss();
        }
        finally
        {
            _asking.TryRemove(holder, out _);
        }
    }

    /// <summary>A call that is watched.</summary>
    internal sealed class Call : IDisposable
    {
        private readonly CallWatch _watch;
        private readonly CancellationTokenSource _end;
        private int _misses;
        private bool _isDoubtful;
        private int _isLost;

        public Call(CallWatch watch, long id, ICallHolder holder, SiloRecord? silo, int misses, CancellationToken cancellationToken)
        {
            _watch = watch;
            _misses = misses;
            _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Id = id;
            Holder = holder;
            Silo = silo;
            Began = watch.Now;
        }

        /// <summary>The <see cref="InferenceRequest.CallId"/>.</summary>
        public long Id { get; }

        public ICallHolder Holder { get; }

        public SiloRecord? Silo { get; }

        public long Began { get; }

        /// <summary>What the call is to be made with: cancelled by the caller, or when the call is given up.</summary>
        public CancellationToken Token => _end.Token;

        /// <summary>Whether the call has been given up.</summary>
        public bool IsLost => Volatile.Read(ref _isLost) != 0;

        /// <summary>What a lost call ends with.</summary>
        public static TimeoutException Lost() => new("The silo does not say what has become of the call.");

        /// <summary>The grain does not have it. Its answer may be on its way still: when the grain is asked again, it must have come.</summary>
        public void Doubt()
        {
            if (_isDoubtful) GiveUp();
            _isDoubtful = true;
        }

        /// <summary>The grain has not said whether it has it.</summary>
        public void Miss()
        {
            if (--_misses <= 0) GiveUp();
        }

        private void GiveUp()
        {
            Volatile.Write(ref _isLost, 1);
            // Where it only seemed lost, its grain need not go on with it.
            if (_watch._calls.TryRemove(Id, out _)) _end.CancelAsync().Ignore();
        }

        public void Dispose()
        {
            // Whoever gives it up at this moment has it, and cancels a source that must still be there: nothing but memory depends on its disposal.
            if (_watch._calls.TryRemove(Id, out _)) _end.Dispose();
        }
    }
}
