using System.Runtime.CompilerServices;

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

internal sealed class InferenceClient(
    IGrainFactory grains,
    CatalogWatcher catalog,
    ModelCaller caller,
    IOptions<InferenceClientOptions> options,
    TimeProvider time,
    ILogger<InferenceClient> logger) : IInferenceClient
{
    private int _inFlight;

    public bool IsReady => catalog.IsConnected && catalog.Current is { } table && table.All.All(entry => entry.State != ModelState.Loading);

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var models = await FindModelsAsync(deadline).ConfigureAwait(false);
        return await caller.InferAsync(new(models, deadline, deadline.Token), deadline.Request).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var models = await FindModelsAsync(deadline).ConfigureAwait(false);
        var (model, versions) = models.Route(deadline.Request);
        if (model.Entry.GetReadyDescriptor().Ensemble is not null)
        {
            yield return await caller.InferAsync(new(models, deadline, deadline.Token), deadline.Request).ConfigureAwait(false);
            yield break;
        }

        Replica? lost = null;
        for (var hasAnswered = false; ;)
        {
            var replica = caller.Choose(model, lost, versions.KeyOf(request));
            using var outstanding = replica.Work.Begin();
            var responses = replica.Grain.InferStreamAsync(deadline.Request, deadline.Token).GetAsyncEnumerator(deadline.Token);
            await using var ending = responses.ConfigureAwait(false);
            while (true)
            {
                InferenceResponse response;
                try
                {
                    if (!await responses.MoveNextAsync().ConfigureAwait(false)) throw caller.Lost(model.Entry.Id, null);
                    response = responses.Current;
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Exceeded(request.Model);
                }
                catch (Exception exception) when (ModelCaller.IsLost(exception))
                {
                    // What has been passed on cannot be taken back, so that only a stream that has not begun may begin elsewhere.
                    if (hasAnswered) throw caller.Lost(model.Entry.Id, exception);
                    if (ModelCaller.IsLast(model, lost) &&
                        await caller.FindNewerAsync(new(models, deadline, deadline.Token), exception).ConfigureAwait(false) is { } newer)
                    {
                        models = newer;
                        (model, versions) = models.Route(deadline.Request);
                        model.Entry.GetReadyDescriptor();
                        lost = null;
                        break;
                    }

                    lost = caller.Retry(model, replica, lost, exception);
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
            (null, _) => table.All.Where(entry => entry.State == ModelState.Ready).Select(entry => table.Find(entry.Id.Name, entry.Id.Version)),
            (_, null) => table.FindVersions(model).Versions,
            _ => [table.Find(model, version)],
        };
        var inOrder = versions.OrderBy(published => published.Entry.Id.Name, StringComparer.Ordinal).ThenBy(published => published.Entry.Id.Version);
        return await Task.WhenAll(inOrder.Select(async published =>
            (published.Entry.Id, await ReadStatisticsAsync(published, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
    }

    public Task LoadModelAsync(string model, ModelOverride? content = null, CancellationToken cancellationToken = default) =>
        ChangeCatalogAsync(catalog => catalog.LoadAsync(model, content, cancellationToken));

    public Task UnloadModelAsync(string model, bool withDependents = false, CancellationToken cancellationToken = default) =>
        ChangeCatalogAsync(catalog => catalog.UnloadAsync(model, withDependents, cancellationToken));

    /// <summary>What the instances have done, on all devices; of ensembles and shadows what this process has seen.</summary>
    private async Task<ModelStatistics> ReadStatisticsAsync(PublishedModel model, CancellationToken cancellationToken)
    {
        if (model.Record.Ensemble is { } ensemble) return ensemble.Read() with { Shadow = model.Record.Shadow.Statistics };
        try
        {
            var parts = await Task.WhenAll(model.Ready.Select(replica => replica.Grain.GetStatisticsAsync()))
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return parts.Aggregate(new ModelStatistics(), (sum, part) => sum.Add(part)) with { Shadow = model.Record.Shadow.Statistics };
        }
        catch (Exception exception) when (ModelCaller.IsLost(exception))
        {
            throw caller.Lost(model.Entry.Id, exception);
        }
    }

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

    private async ValueTask<ModelTable> FindModelsAsync(RequestDeadline deadline)
    {
        try
        {
            return await catalog.GetAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Exceeded(deadline.Request.Model);
        }
    }

    private readonly struct Admission(InferenceClient client) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref client._inFlight);
    }
}
