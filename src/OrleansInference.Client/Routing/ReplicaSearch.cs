using Microsoft.Extensions.Logging;

namespace OrleansInference.Client.Routing;

/// <summary>
/// Finds another replica for a request that one has lost or refused: each of them once, and when all have lost it those of a later picture
/// of the catalog. It takes a cluster some seconds to notice a silo that is gone and to load elsewhere what it had.
/// </summary>
/// <param name="chooser">Chooses among those that are left.</param>
/// <param name="catalog">Knows later pictures.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets what is lost.</param>
/// <param name="context">The request that led to this one.</param>
/// <param name="model">The model that is asked.</param>
/// <param name="key">Keeps requests on one device; null where any will do.</param>
internal sealed class ReplicaSearch(
    DeviceChooser chooser,
    CatalogWatcher catalog,
    TimeProvider time,
    ILogger logger,
    RequestContext context,
    PublishedModel model,
    string? key)
{
    /// <summary>So long a cluster may take to have a model answer again; requests wait for that if their deadlines leave as much.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Between the pictures of a catalog that changes all the time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Where so many devices have too much to do, all have, and asking each of them would only add to it.</summary>
    private const int MaxRefusals = 3;

    private readonly HashSet<ModelInstanceId> _tried = [];
    private readonly long _since = context.LostSince ?? time.GetTimestamp();
    private InferenceException? _refusal;
    private int _refusals;

    /// <summary>The later picture in which the request is to be routed anew; null where its model is still the same.</summary>
    public RequestContext? Later { get; private set; }

    /// <summary>Whether the request may be answered elsewhere, and asking twice harms nobody: inference is idempotent.</summary>
    public static bool IsWorthwhile(Exception exception) => IsLost(exception) || exception is InferenceException { Error: InferenceError.QueueFull };

    public static bool IsLost(Exception exception) => exception switch
    {
        InferenceException inference => inference.Error is InferenceError.NotReady or InferenceError.Unavailable,
        OrleansException or TimeoutException or EnumerationAbortedException => true,
        _ => false,
    };

    /// <summary>The replica to ask instead of one that has failed.</summary>
    /// <returns>Null where <see cref="Later"/> is to be looked at.</returns>
    /// <exception cref="InferenceException">There is none, for the reason for which the last one has failed.</exception>
    public async ValueTask<Replica?> FindNextAsync(Replica failed, Exception exception)
    {
        _tried.Add(failed.Id);
        if (exception is InferenceException { Error: InferenceError.QueueFull } refusal)
        {
            _refusal ??= refusal;
            if (++_refusals == MaxRefusals) throw _refusal;
        }
        else if (exception is not InferenceException)
        {
            Log.Retrying(logger, exception, failed.Id);
            failed.Work.Silo.RecordLoss(failed.Grain);
        }

        if (chooser.TryChoose(model, _tried, key, out var next)) return next;
        // Where others have been lost, those that are left have too much to do: waiting would not help them.
        if (_refusal is not null) throw _refusal;
        if (await WaitAsync(exception).ConfigureAwait(false)) return null;
        // Nothing is known to have changed: who did not answer may do so again.
        _tried.Clear();
        return chooser.TryChoose(model, _tried, key, out next) ? next : throw Explain(exception);
    }

    /// <summary>What the caller is told of a loss.</summary>
    /// <param name="model">The model that was asked.</param>
    /// <param name="cause">What happened; null where nobody could be asked.</param>
    /// <param name="logger">Gets what the runtime says: it names grains, messages and addresses.</param>
    public static InferenceException Explain(ModelId model, Exception? cause, ILogger logger)
    {
        if (cause is InferenceException known) return known;
        if (cause is not null) Log.DeviceLost(logger, cause, model);
        var reason = cause switch
        {
            null => "none is ready",
            EnumerationAbortedException => "its stream is lost, or was not read for too long",
            TimeoutException => "it has not answered in time",
            _ => "it cannot be reached",
        };
        return new(InferenceError.Unavailable, $"model '{model.Name}' version {model.Version} has no device that answers: {reason}", cause);
    }

    private InferenceException Explain(Exception cause) => Explain(model.Entry.Id, cause, logger);

    /// <summary>Waits for a later picture.</summary>
    /// <returns>Whether there is one.</returns>
    private async Task<bool> WaitAsync(Exception exception)
    {
        if (time.GetElapsedTime(_since) > Limit) throw Explain(exception);
        var later = await catalog.FindNewerAsync(context.Models.Revision, context.Token).ConfigureAwait(false);
        context.ThrowIfOver(model.Entry.Id.Name);
        if (later is null)
        {
            // An instance that refuses knows better than a catalog that answers, and still takes it for ready.
            return exception is InferenceException && catalog.IsFresh ? throw Explain(exception) : false;
        }

        await Task.Delay(Pause, time, CancellationToken.None).ConfigureAwait(false);
        Later = context with { Models = later, LostSince = _since };
        return true;
    }
}
