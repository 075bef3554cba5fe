using System.Collections.Concurrent;
using System.Security.Cryptography;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using OrleansInference.Client.Routing;
using OrleansInference.Tensors;

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

    /// <summary>An inquiry travels behind the requests that were sent before it, at this many bytes a second at least (100 Mbit/s).</summary>
    private const double LeastBandwidth = 12.5e6;

    /// <summary>No request takes an inquiry longer than this, whatever its size.</summary>
    private static readonly TimeSpan MaxTransferTime = TimeSpan.FromSeconds(20);

    /// <summary>
    /// So many inquiries of a silo that answers other calls weigh as much as one of a silo that is silent: its connection may be full of tensors,
    /// or be a new one, and then what was sent by the one before is lost.
    /// </summary>
    private const int Leniency = 4;

    private readonly ConcurrentDictionary<long, Call> _calls = new();
    private readonly ConcurrentDictionary<ICallHolder, bool> _asking = new();

    // Calls of different processes must not be taken for each other.
    private long _last = RandomNumberGenerator.GetInt32(int.MaxValue) * (1L << 32);

    private long Now => time.GetTimestamp();

    /// <summary>Watches a call until what is returned is disposed.</summary>
    /// <param name="holder">The grain that is called.</param>
    /// <param name="silo">Its silo; null where nobody knows.</param>
    /// <param name="sent">The tensors that it is sent.</param>
    /// <param name="misses">After how many inquiries without an answer it is given up.</param>
    /// <param name="cancellationToken">The caller's own token.</param>
    public Call Begin(
        ICallHolder holder, SiloRecord? silo, IReadOnlyList<InferenceTensor> sent, int misses, CancellationToken cancellationToken)
    {
        var call = new Call(this, Interlocked.Increment(ref _last), holder, silo, sent, misses * Leniency, cancellationToken);
        _calls[call.Id] = call;
        return call;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            foreach (var calls in _calls.Values.GroupBy(call => call.Holder).Where(calls => calls.Any(IsDue)))
                AskAsync(calls.Key, [.. calls], calls.First().Silo, stoppingToken).Ignore();
            foreach (var silo in chooser.Silos)
            {
                if (silo.Suspect is { } holder) AskAsync(holder, [], silo, stoppingToken).Ignore();
            }
        }
    }

    private bool IsDue(Call call) => time.GetElapsedTime(call.Began) >= Patience;

    /// <param name="holder">Is asked.</param>
    /// <param name="calls">All that it should have. It is asked about those that are old enough; where it is silent, all are missed.</param>
    /// <param name="silo">The holder's silo; null where nobody knows.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    private async Task AskAsync(ICallHolder holder, Call[] calls, SiloRecord? silo, CancellationToken cancellationToken)
    {
        if (!_asking.TryAdd(holder, true)) return;
        var asked = Now;
        var due = Array.FindAll(calls, IsDue);
        try
        {
            var lost = await holder.FindLostAsync([.. due.Select(call => call.Id)]).AsTask()
                .WaitAsync(AnswerTime + TransferTimeOf(calls), time, cancellationToken).ConfigureAwait(false);
            // A worker that knows none of the calls may be on another silo than it was.
            if (due.Length == 0 || lost.Length < due.Length) silo?.RecordAnswer();
            foreach (var call in due.Where(call => lost.Contains(call.Id))) call.Doubt();
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var isSilent = silo is null || silo.Answered <= asked;
            // That a worker answers later says as little: the calls that it has lost tell of the silo, with the grain that they were for.
            if (isSilent && holder is IModelGrain) silo?.RecordLoss(holder);
            foreach (var call in isSilent ? calls : due) call.Miss(isSilent ? Leniency : 1);
            if (calls.Count(call => call.IsLost) is > 0 and var lost) Log.CallsLost(logger, exception, lost);
        }
        finally
        {
            _asking.TryRemove(holder, out _);
        }
    }

    /// <summary>How long the requests of calls may still be on their way.</summary>
    private TimeSpan TransferTimeOf(Call[] calls)
    {
        var left = calls
            .Select(call => TimeSpan.FromSeconds(call.Sent.Sum(tensor => (long)tensor.Data.Length) / LeastBandwidth) - time.GetElapsedTime(call.Began))
            .DefaultIfEmpty(TimeSpan.Zero)
            .Max();
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < MaxTransferTime ? left : MaxTransferTime;
    }

    /// <summary>A call that is watched.</summary>
    internal sealed class Call : IDisposable
    {
        private readonly CallWatch _watch;
        private readonly CancellationTokenSource _end;
        private readonly CancellationToken _caller;
        private int _patience;
        private bool _isDoubtful;
        private int _isLost;

        public Call(
            CallWatch watch, long id, ICallHolder holder, SiloRecord? silo, IReadOnlyList<InferenceTensor> sent, int patience, CancellationToken cancellationToken)
        {
            _watch = watch;
            _patience = patience;
            _caller = cancellationToken;
            _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Id = id;
            Holder = holder;
            Silo = silo;
            Sent = sent;
            Began = watch.Now;
        }

        /// <summary>The <see cref="InferenceRequest.CallId"/>.</summary>
        public long Id { get; }

        public ICallHolder Holder { get; }

        public SiloRecord? Silo { get; }

        public IReadOnlyList<InferenceTensor> Sent { get; }

        public long Began { get; }

        /// <summary>What the call is to be made with: cancelled by the caller, or when the call is given up.</summary>
        public CancellationToken Token => _end.Token;

        /// <summary>Whether the call has been given up.</summary>
        public bool IsLost => Volatile.Read(ref _isLost) != 0;

        /// <summary>
        /// Whether it is lost with what it has ended with: it has been given up, or was cancelled by nobody, as the runtime does with calls whose grains it looks for on
        /// a silo that is gone.
        /// </summary>
        public bool IsLostWith(Exception exception) => IsLost || (exception is OperationCanceledException && !_caller.IsCancellationRequested);

        /// <summary>What a lost call ends with.</summary>
        public static TimeoutException Lost() => new("The silo does not say what has become of the call.");

        /// <summary>The grain does not have it. Its answer may be on its way still: when the grain is asked again, it must have come.</summary>
        public void Doubt()
        {
            if (_isDoubtful) GiveUp();
            _isDoubtful = true;
        }

        /// <summary>The grain has not said whether it has it.</summary>
        public void Miss(int weight)
        {
            _patience -= weight;
            if (_patience <= 0) GiveUp();
        }

        private void GiveUp()
        {
            if (!_watch._calls.TryRemove(Id, out _)) return;
            Volatile.Write(ref _isLost, 1);
            // Where it only seemed lost, its grain need not go on with it.
            _end.CancelAsync().Ignore();
        }

        public void Dispose()
        {
            // Whoever gives it up at this moment has it, and cancels a source that must still be there: nothing but memory depends on its disposal.
            if (_watch._calls.TryRemove(Id, out _)) _end.Dispose();
        }
    }
}
