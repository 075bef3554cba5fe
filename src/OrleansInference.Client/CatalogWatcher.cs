using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>Keeps this process's copy of the catalog fresh, so that a request needs no call to find its device.</summary>
internal sealed class CatalogWatcher(
    IGrainFactory grains, DeviceChooser chooser, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<CatalogWatcher> logger)
    : BackgroundService
{
    private static readonly TimeSpan FirstAnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>So long a change takes at most to get from an instance by way of the catalog to here.</summary>
    private static readonly TimeSpan ChangeTime = TimeSpan.FromSeconds(2);

    /// <summary>So long the catalog may be away when its silo is lost: until the cluster has noticed, and the catalog is elsewhere.</summary>
    private static readonly TimeSpan MoveTime = TimeSpan.FromSeconds(15);

    /// <summary>A catalog that has not answered by then, though it does so every few seconds, is lost, whatever the runtime says.</summary>
    public static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    /// <summary>The catalog answers every three seconds, whether anything has changed or not.</summary>
    private static readonly TimeSpan FreshTime = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly Lock _adopting = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _adopted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ModelTable? _current;
    private long _failingSince;
    private long _answered;

    /// <summary>Whether the cluster answers; a catalog that moves to another silo may be away for a moment.</summary>
    public bool IsConnected => Volatile.Read(ref _failingSince) is var since && (since == 0 || time.GetElapsedTime(since) < MoveTime);

    /// <summary>Whether the catalog answers, so that the latest picture is what the cluster knows.</summary>
    public bool IsFresh => Volatile.Read(ref _failingSince) == 0 && time.GetElapsedTime(Volatile.Read(ref _answered)) < FreshTime;

    /// <summary>The latest picture; null before the cluster has answered for the first time.</summary>
    public ModelTable? Current => Volatile.Read(ref _current);

    /// <summary>The latest picture, awaiting the first one where need be.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: the cluster does not answer.</exception>
    public async ValueTask<ModelTable> GetAsync(CancellationToken cancellationToken)
    {
        if (Current is { } known) return known;
        try
        {
            await _first.Task.WaitAsync(FirstAnswerTimeout, time, cancellationToken).ConfigureAwait(false);
            return Current!;
        }
        catch (TimeoutException)
        {
            throw new InferenceException(
                InferenceError.Unavailable, $"the cluster has not answered within {FirstAnswerTimeout.TotalSeconds:F0} s: no silo can be reached");
        }
    }

    /// <summary>A later picture than one that has turned out to be out of date, awaiting it for a moment where need be.</summary>
    /// <returns>Null where none comes, or the caller has left.</returns>
    public async ValueTask<ModelTable?> FindNewerAsync(CatalogRevision known, CancellationToken cancellationToken)
    {
        var adopted = Volatile.Read(ref _adopted).Task;
        if (Current!.Revision == known)
            await adopted.WaitAsync(ChangeTime, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Current!.Revision == known || cancellationToken.IsCancellationRequested ? null : Current;
    }

    /// <summary>Takes in a snapshot, unless a later one is known.</summary>
    public void Adopt(CatalogSnapshot snapshot)
    {
        lock (_adopting)
        {
            if (Current is { } known && snapshot.Revision.IsNoNewerThan(known.Revision)) return;
            Volatile.Write(ref _current, new(snapshot, ToReplica, before: Current, time.GetTimestamp()));
            chooser.Keep(snapshot.Models.SelectMany(entry => entry.Instances).Select(instance => instance.Id.Device).ToHashSet());
        }

        Interlocked.Exchange(ref _adopted, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

        _first.TrySetResult();
    }

    private Replica ToReplica(ModelInstanceId id) => new(id, grains.GetModel(id), chooser.GetWork(id.Device), chooser.IsLocal(id.Device));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The silo of this host may stop before this service: what is known serves the requests that are still under way.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        await WatchAsync(stopping.Token).ConfigureAwait(false);
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        await lifetime.WaitForStartAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var snapshot = await grains.GetCatalog().WatchAsync(Current?.Revision, stoppingToken)
                    .WaitAsync(AnswerTime, time, stoppingToken).ConfigureAwait(false);
                if (snapshot.Revision.Number > 0)
                {
                    Volatile.Write(ref _answered, time.GetTimestamp());
                    Volatile.Write(ref _failingSince, 0);
                    Adopt(snapshot);
                }
                else
                {
                    // A catalog that has just moved knows nothing before the silos have reported.
                    NoteFailure();
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // The cluster is starting, or the catalog is moving: what is known stays in use.
                NoteFailure();
                Log.CatalogUnreachable(logger, exception.Message);
                await Task.Delay(RetryDelay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void NoteFailure()
    {
        if (_failingSince == 0) Volatile.Write(ref _failingSince, time.GetTimestamp());
    }
}
