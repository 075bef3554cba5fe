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
    /// <summary>A stream that has begun cannot be begun anew: its silo gets some seconds to say that it has it.</summary>
    private const int StreamMisses = 4;

    private static readonly TimeSpan DrainPause = TimeSpan.FromMilliseconds(250);

    /// <summary>A catalog that has moved waits for the silos' reports, and the silo for its own.</summary>
    private static readonly TimeSpan SiloChangeTime = TimeSpan.FromSeconds(20);

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
        var context = await caller.AwaitReturnAsync(new(models, deadline, deadline.Token), deadline.Request).ConfigureAwait(false);
        var (model, versions) = context.Models.Route(deadline.Request);
        if (model.Entry.GetReadyDescriptor().Ensemble is not null)
        {
            yield return await caller.InferAsync(context, deadline.Request).ConfigureAwait(false);
            yield break;
        }

        ReplicaSearch? search = null;
        for (var (replica, hasAnswered) = (caller.Choose(model, versions.KeyOf(request)), false); ;)
        {
            Exception failure;
            using (var outstanding = replica.Work.Begin())
            {
                using var call = caller.Watch(replica, deadline.Request, StreamMisses, deadline.Token);
                var responses = replica.Grain.InferStreamAsync(deadline.Request with { CallId = call.Id }, call.Token).GetAsyncEnumerator(call.Token);
                await using var ending = new StreamEnd(responses, call).ConfigureAwait(false);
                while (true)
                {
                    InferenceResponse response;
                    try
                    {
                        if (!await responses.MoveNextAsync().ConfigureAwait(false)) throw caller.Explain(model.Entry.Id, null);
                        response = responses.Current;
                    }
                    catch (OperationCanceledException) when (deadline.HasPassed)
                    {
                        throw deadline.Exceeded(request.Model);
                    }
                    catch (Exception exception) when (call.IsLostWith(exception) || ReplicaSearch.IsWorthwhile(exception))
                    {
                        failure = call.IsLostWith(exception) ? CallWatch.Call.Lost() : exception;
                        break;
                    }

                    hasAnswered = true;
                    yield return response;
                    if (!response.IsFinal) continue;
                    outstanding.Answered(response.DeviceLoad);
                    yield break;
                }
            }

            // What has been passed on cannot be taken back, so that only a stream that has not begun may begin elsewhere.
            if (hasAnswered) throw caller.Explain(model.Entry.Id, failure);
            search ??= caller.Search(context, model, versions.KeyOf(request));
            if (await search.FindNextAsync(replica, failure).ConfigureAwait(false) is { } next)
            {
                replica = next;
                continue;
            }

            context = await caller.AwaitReturnAsync(search.Later!.Value, deadline.Request).ConfigureAwait(false);
            search = null;
            (model, versions) = context.Models.Route(deadline.Request);
            model.Entry.GetReadyDescriptor();
            replica = caller.Choose(model, versions.KeyOf(request));
        }
    }

    public async Task<IReadOnlyList<ModelEntry>> GetModelsAsync(CancellationToken cancellationToken = default) =>
        (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).All;

    public async ValueTask<ModelEntry> GetModelAsync(string model, int? version = null, CancellationToken cancellationToken = default) =>
        (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).Find(model, version).Entry;

    public async ValueTask<ModelDescriptor> GetDescriptorAsync(string model, int? version = null, CancellationToken cancellationToken = default)
    {
        var published = (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).Find(model, version);
        return caller.IsReturning(published) && published.Entry.Descriptor is { } descriptor ? descriptor : published.Entry.GetReadyDescriptor();
    }

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
        catch (Exception exception) when (ReplicaSearch.IsLost(exception))
        {
            throw caller.Explain(model.Entry.Id, exception);
        }
    }

    public Task<ClusterSnapshot> GetClusterAsync(CancellationToken cancellationToken = default) =>
        AskCatalogAsync(catalog => catalog.GetClusterAsync().WaitAsync(CatalogWatcher.AnswerTime, time, cancellationToken));

    public async Task DrainSiloAsync(string silo, CancellationToken cancellationToken = default)
    {
        await ChangeSiloAsync(grain => grain.DrainAsync(silo, cancellationToken), cancellationToken).ConfigureAwait(false);
        while (!await IsDrainedAsync(silo, cancellationToken).ConfigureAwait(false))
            await Task.Delay(DrainPause, time, cancellationToken).ConfigureAwait(false);
    }

    public Task ResumeSiloAsync(string silo, CancellationToken cancellationToken = default) =>
        ChangeSiloAsync(grain => grain.ResumeAsync(silo, cancellationToken), cancellationToken);

    private Task ChangeSiloAsync(Func<IModelCatalogGrain, Task> change, CancellationToken cancellationToken) => AskCatalogAsync(async grain =>
    {
        await change(grain).WaitAsync(SiloChangeTime, time, cancellationToken).ConfigureAwait(false);
        return true;
    });

    private async Task<bool> IsDrainedAsync(string silo, CancellationToken cancellationToken)
    {
        try
        {
            return await AskCatalogAsync(
                grain => grain.IsDrainedAsync(silo).WaitAsync(SiloChangeTime, time, cancellationToken)).ConfigureAwait(false);
        }
        catch (InferenceException exception) when (exception.Error == InferenceError.Unavailable && catalog.IsConnected)
        {
            // It is moving: perhaps because its own silo is the one that is drained.
            return false;
        }
    }

    /// <summary>Whoever has changed the catalog sees the change from then on.</summary>
    private async Task ChangeCatalogAsync(Func<IModelCatalogGrain, Task<CatalogSnapshot>> change) =>
        catalog.Adopt(await AskCatalogAsync(change).ConfigureAwait(false));

    private async Task<T> AskCatalogAsync<T>(Func<IModelCatalogGrain, Task<T>> ask)
    {
        try
        {
            return await ask(grains.GetCatalog()).ConfigureAwait(false);
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

    /// <summary>Ends a stream at its grain, but waits for that only where the grain is there.</summary>
    private readonly struct StreamEnd(IAsyncEnumerator<InferenceResponse> responses, CallWatch.Call call) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            if (!call.IsLost) return responses.DisposeAsync();
            responses.DisposeAsync().AsTask().Ignore();
            return default;
        }
    }

    private readonly struct Admission(InferenceClient client) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref client._inFlight);
    }
}
