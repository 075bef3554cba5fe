using System.Runtime.CompilerServices;

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace OrleansInference.Client;

internal sealed class InferenceClient(
    IGrainFactory grains,
    CatalogWatcher catalog,
    DeviceChooser chooser,
    IOptions<InferenceClientOptions> options,
    TimeProvider time,
    ILogger<InferenceClient> logger,
    ILocalModels? local = null) : IInferenceClient
{
    private IInferenceWorkerGrain? _worker;
    private int _inFlight;

    public bool IsReady => catalog.IsConnected && catalog.Current is { } table && table.All.All(entry => entry.State != ModelState.Loading);

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var model = await FindReadyAsync(deadline).ConfigureAwait(false);
        var mayAskDirectly = options.Value.DirectCalls && !model.Entry.Descriptor!.HasProcessing;
        for (Replica? lost = null; ;)
        {
            if (!chooser.TryChoose(model.Ready, lost, out var replica)) throw Lost(model.Entry.Id, null);
            using var outstanding = replica.Work.Begin();
            var direct = mayAskDirectly ? local?.TryInferAsync(replica.Id, deadline.Request, deadline.Token) : null;
            try
            {
                return await (direct is null ? CallAsync(model, replica, deadline) : new(direct)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (deadline.HasPassed)
            {
                throw deadline.Exceeded();
            }
            catch (InferenceException exception) when (direct is not null && exception.Error == InferenceError.NotReady)
            {
                // What is loaded here may be being replaced at this moment: the grain knows by what.
                mayAskDirectly = false;
            }
            catch (Exception exception) when (IsLost(exception))
            {
                // Inference is idempotent: where a device is lost with a request on it, another one may answer.
                lost = Retry(model, replica, lost, exception);
            }
        }
    }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var model = await FindReadyAsync(deadline).ConfigureAwait(false);
        Replica? lost = null;
        for (var hasAnswered = false; ;)
        {
            if (!chooser.TryChoose(model.Ready, lost, out var replica)) throw Lost(model.Entry.Id, null);
            using var outstanding = replica.Work.Begin();
            var responses = replica.Grain.InferStreamAsync(deadline.Request, deadline.Token).GetAsyncEnumerator(deadline.Token);
            await using var ending = responses.ConfigureAwait(false);
            while (true)
            {
                InferenceResponse response;
                try
                {
                    if (!await responses.MoveNextAsync().ConfigureAwait(false)) throw Lost(model.Entry.Id, null);
                    response = responses.Current;
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Exceeded();
                }
                catch (Exception exception) when (IsLost(exception))
                {
                    // What has been passed on cannot be taken back, so that only a stream that has not begun may begin elsewhere.
                    if (hasAnswered) throw Lost(model.Entry.Id, exception);
                    lost = Retry(model, replica, lost, exception);
                    break;
                }

                hasAnswered = true;
                yield return response;
                if (response.IsFinal) yield break;
            }
        }
    }

    public async Task<IReadOnlyList<ModelEntry>> GetModelsAsync(CancellationToken cancellationToken = default) =>
        (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).All;

    public async ValueTask<ModelEntry> GetModelAsync(string model, int? version = null, CancellationToken cancellationToken = default) =>
        (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).Find(model, version).Entry;

    public async Task<IReadOnlyList<(ModelId Model, ModelStatistics Statistics)>> GetStatisticsAsync(
        string? model = null, int? version = null, CancellationToken cancellationToken = default)
    {
        var table = await catalog.GetAsync(cancellationToken).ConfigureAwait(false);
        var versions = (model, version) switch
        {
            (null, _) => table.All.Where(entry => entry.State == ModelState.Ready),
            (_, null) => table.FindVersions(model).Select(published => published.Entry),
            _ => [table.Find(model, version).Entry],
        };
        var inOrder = versions.OrderBy(entry => entry.Id.Name, StringComparer.Ordinal).ThenBy(entry => entry.Id.Version);
        return await Task.WhenAll(inOrder.Select(async entry =>
        {
            var instances = entry.Instances.Where(instance => instance.State == ModelState.Ready);
            try
            {
                var parts = await Task.WhenAll(instances.Select(instance => grains.GetModel(instance.Id).GetStatisticsAsync()))
                    .WaitAsync(cancellationToken).ConfigureAwait(false);
                return (entry.Id, parts.Aggregate(new ModelStatistics(), (sum, part) => sum.Add(part)));
            }
            catch (Exception exception) when (IsLost(exception))
            {
                throw Lost(entry.Id, exception);
            }
        })).ConfigureAwait(false);
    }

    public Task LoadModelAsync(string model, CancellationToken cancellationToken = default) =>
        ChangeCatalogAsync(catalog => catalog.LoadAsync(model, cancellationToken));

    public Task UnloadModelAsync(string model, CancellationToken cancellationToken = default) =>
        ChangeCatalogAsync(catalog => catalog.UnloadAsync(model, cancellationToken));

    /// <summary>Whoever has changed the catalog sees the change from then on.</summary>
    private async Task ChangeCatalogAsync(Func<IModelCatalogGrain, Task<CatalogSnapshot>> change)
    {
        try
        {
            catalog.Adopt(await change(grains.GetCatalog()).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException)
        {
            Log.CatalogLost(logger, exception);
            throw new InferenceException(InferenceError.Unavailable, "the model catalog does not answer", exception);
        }
    }

    /// <summary>Counts one more request under way, until what is returned is disposed.</summary>
    private Admission Admit()
    {
        if (Interlocked.Increment(ref _inFlight) <= options.Value.MaxInFlight) return new(this);
        Interlocked.Decrement(ref _inFlight);
        throw new InferenceException(
            InferenceError.QueueFull, $"Exceeds the {options.Value.MaxInFlight} requests that may be in flight at once (MaxInFlight)");
    }

    private async ValueTask<PublishedModel> FindReadyAsync(RequestDeadline deadline)
    {
        try
        {
            var table = await catalog.GetAsync(deadline.Token).ConfigureAwait(false);
            var model = table.Find(deadline.Request.Model, deadline.Request.Version);
            _ = model.Entry.GetReadyDescriptor();
            return model;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Exceeded();
        }
    }

    private ValueTask<InferenceResponse> CallAsync(PublishedModel model, Replica replica, RequestDeadline deadline) =>
        model.Entry.Descriptor!.HasProcessing
            ? (_worker ??= grains.GetWorker()).InferAsync(deadline.Request, replica.Id, deadline.Token)
            : replica.Grain.InferAsync(deadline.Request, deadline.Token);

    /// <summary>Gives up one replica for another, once.</summary>
    /// <returns>The replica that is not to be asked again.</returns>
    private Replica Retry(PublishedModel model, Replica replica, Replica? lost, Exception exception)
    {
        if (lost is not null || model.Ready.Count < 2) throw Lost(model.Entry.Id, exception);
        Log.Retrying(logger, exception, replica.Id);
        return replica;
    }

    private static bool IsLost(Exception exception) => exception switch
    {
        InferenceException inference => inference.Error is InferenceError.NotReady or InferenceError.Unavailable,
        OrleansException or TimeoutException or EnumerationAbortedException => true,
        _ => false,
    };

    private InferenceException Lost(ModelId model, Exception? cause)
    {
        if (cause is InferenceException known) return known;
        // What the runtime says is for the log: it names grains, messages and addresses.
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

    private readonly struct Admission(InferenceClient client) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref client._inFlight);
    }
}
