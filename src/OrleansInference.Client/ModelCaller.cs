using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

using OrleansInference.Client.Ensembles;
using OrleansInference.Client.Routing;
using OrleansInference.Tensors;

namespace OrleansInference.Client;

/// <summary>
/// Has a request answered by the version that is to answer it: by a network on one of its devices, in parts on several of them, or by the
/// models of an ensemble, for each of which it is called again.
/// </summary>
internal sealed class ModelCaller
{
    /// <summary>Workers by as many numbers, so that a client's processing is not all done by one silo.</summary>
    public const int Workers = 64;

    /// <summary>Workers are found by way of random silos, and of those that have just been lost nobody knows: one in three may be.</summary>
    private const int MaxWorkersTried = 4;

    private readonly IGrainFactory _grains;
    private readonly CatalogWatcher _catalog;
    private readonly DeviceChooser _chooser;
    private readonly CallWatch _watch;
    private readonly IOptions<InferenceClientOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelCaller> _logger;
    private readonly ILocalModels? _local;
    private readonly EnsembleRunner _ensembles;
    private int _waiting;

    public ModelCaller(
        IGrainFactory grains,
        CatalogWatcher catalog,
        DeviceChooser chooser,
        CallWatch watch,
        IOptions<InferenceClientOptions> options,
        TimeProvider time,
        ILogger<ModelCaller> logger,
        ILocalModels? local = null)
    {
        _grains = grains;
        _catalog = catalog;
        _chooser = chooser;
        _watch = watch;
        _options = options;
        _time = time;
        _logger = logger;
        _local = local;
        _ensembles = new(this, time, logger);
    }

    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or the call is not needed any more.</exception>
    public Task<InferenceResponse> InferAsync(RequestContext context, InferenceRequest request)
    {
        var (model, versions) = context.Models.Route(request);
        return IsReturning(model) ? InferLaterAsync(context, request) : InferAsync(context, request, model, versions);
    }

    private async Task<InferenceResponse> InferLaterAsync(RequestContext context, InferenceRequest request)
    {
        context = await AwaitReturnAsync(context, request).ConfigureAwait(false);
        var (model, versions) = context.Models.Route(request);
        return await InferAsync(context, request, model, versions).ConfigureAwait(false);
    }

    private Task<InferenceResponse> InferAsync(RequestContext context, InferenceRequest request, PublishedModel model, VersionRouter versions)
    {
        var answer = AskAsync(context, model, request, versions.KeyOf(request));
        return versions.ChooseShadow(request, model) is { } shadow
            ? CopyBehindAsync(context.Models, shadow, request, answer, versions.ShadowTolerance)
            : answer;
    }

    /// <summary>
    /// Waits for a model that is being loaded anew, as it is when all devices that had it are lost. One that is loaded for the first time is not waited for:
    /// whoever asks for it is told. So are those for whom there is no room to wait, or all other models would be refused for this one's sake.
    /// </summary>
    /// <returns>The picture in which it answers, or cannot be expected to any more.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.DeadlineExceeded"/>.</exception>
    public async ValueTask<RequestContext> AwaitReturnAsync(RequestContext context, InferenceRequest request)
    {
        if (!IsReturning(context.Models.Route(request).Model)) return context;
        try
        {
            if (Interlocked.Increment(ref _waiting) > _options.Value.MaxInFlight / 4) return context;
            do
            {
                if (await _catalog.FindNewerAsync(context.Models.Revision, context.Token).ConfigureAwait(false) is { } later)
                    context = context with { Models = later };
                context.ThrowIfOver(request.Model);
            }
            while (IsReturning(context.Models.Route(request).Model));
            return context;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Whether a model that was ready is being loaded anew, and has not been for long.</summary>
    public bool IsReturning(PublishedModel model) =>
        model.LostSince is { } since && model.Entry.State == ModelState.Loading && _time.GetElapsedTime(since) < ReplicaSearch.Limit;

    /// <summary>Chooses a replica; the same for equal keys.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: there is none.</exception>
    public Replica Choose(PublishedModel model, string? key) =>
        _chooser.TryChoose(model, null, key, out var replica) ? replica : throw Explain(model.Entry.Id, null);

    /// <summary>Looks for another replica than one that has lost or refused a request.</summary>
    public ReplicaSearch Search(RequestContext context, PublishedModel model, string? key) =>
        new(_chooser, _catalog, _time, _logger, context, model, key);

    /// <summary>Watches a stream of a replica, until what is returned is disposed.</summary>
    /// <param name="replica">The replica.</param>
    /// <param name="request">What it is sent.</param>
    /// <param name="misses">After how many inquiries without an answer it is given up: more where it cannot be made anew.</param>
    /// <param name="cancellationToken">The caller's own token.</param>
    public CallWatch.Call Watch(Replica replica, InferenceRequest request, int misses, CancellationToken cancellationToken) =>
        _watch.Begin(replica.Grain, replica.Work.Silo, request.Inputs, misses, cancellationToken);

    public InferenceException Explain(ModelId model, Exception? cause) => ReplicaSearch.Explain(model, cause, _logger);

    /// <summary>Has a worker do a part of a request, and others where one is lost.</summary>
    /// <param name="tensors">What it is done to.</param>
    /// <param name="model">The model whose processing it is.</param>
    /// <param name="process">Gets the worker, the call's number and its token.</param>
    /// <param name="cancellationToken">The caller's own token.</param>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or the call is not needed any more.</exception>
    public async Task<T> ProcessAsync<T>(
        IReadOnlyList<InferenceTensor> tensors,
        ModelId model,
        Func<IInferenceWorkerGrain, long, CancellationToken, ValueTask<T>> process,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var worker = _grains.GetWorker(Random.Shared.Next(Workers));
            using var call = _watch.Begin(worker, null, tensors, misses: 1, cancellationToken);
            try
            {
                return await process(worker, call.Id, call.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (call.IsLostWith(exception) || (exception is not InferenceException && ReplicaSearch.IsLost(exception)))
            {
                if (attempt == MaxWorkersTried) throw Explain(model, call.IsLost ? CallWatch.Call.Lost() : exception);
            }
        }
    }

    /// <summary>Has a request that was under way answered in a later picture. Who has begun it sends the copy to the shadow.</summary>
    private async Task<InferenceResponse> AskAnewAsync(RequestContext context, InferenceRequest request)
    {
        context = await AwaitReturnAsync(context, request).ConfigureAwait(false);
        var (model, versions) = context.Models.Route(request);
        return await AskAsync(context, model, request, versions.KeyOf(request)).ConfigureAwait(false);
    }

    private Task<InferenceResponse> AskAsync(RequestContext context, PublishedModel model, InferenceRequest request, string? key)
    {
        var descriptor = model.Entry.GetReadyDescriptor();
        return BatchSplitter.IsNeeded(descriptor, request)
            ? AskInPartsAsync(context, model, request, key)
            : AskWholeAsync(context, model, request, key, null);
    }

    private async Task<InferenceResponse> AskInPartsAsync(
        RequestContext context, PublishedModel model, InferenceRequest request, string? key)
    {
        if (model.Ready.Count == 0 && model.Record.Ensemble is null) throw Explain(model.Entry.Id, null);
        try
        {
            var response = await BatchSplitter.RunAsync(
                model,
                request,
                _options.Value.MaxRowsPerRequest,
                (part, target, token) => AskWholeAsync(context with { Token = token }, model, part, key, target),
                _time,
                context.Token).ConfigureAwait(false);
            // Where the version has been replaced meanwhile, the one that has taken its place answers the whole, rather than both some rows each.
            return response ?? await AskAnewAsync(context with { Models = _catalog.Current! }, request).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.Deadline.HasPassed)
        {
            throw context.Deadline.Exceeded(request.Model);
        }
    }

    private Task<InferenceResponse> AskWholeAsync(
        RequestContext context, PublishedModel model, InferenceRequest request, string? key, BatchSplitter.Target? target) =>
        model.Record.Ensemble is null
            ? AskDeviceAsync(context, model, request, key, target)
            : _ensembles.RunAsync(context, model, model.Record.Ensemble, request);

    /// <param name="context">The request that led to this one.</param>
    /// <param name="model">The model.</param>
    /// <param name="request">No more rows than the model takes at once.</param>
    /// <param name="key">Keeps requests on one device; null where any will do.</param>
    /// <param name="target">The replica to ask first; null for one that is chosen here.</param>
    private async Task<InferenceResponse> AskDeviceAsync(
        RequestContext context, PublishedModel model, InferenceRequest request, string? key, BatchSplitter.Target? target)
    {
        var mayAskDirectly = _options.Value.DirectCalls && !model.Entry.Descriptor!.HasProcessing;
        var replica = target is { IsLost: false } ? target.Replica : Choose(model, key);
        for (ReplicaSearch? search = null; ;)
        {
            Exception failure;
            using (var outstanding = replica.Work.Begin())
            {
                var direct = mayAskDirectly ? _local?.TryInferAsync(replica.Id, request, context.Token) : null;
                try
                {
                    if (direct is not null) return await direct.ConfigureAwait(false);
                    var response = await CallAsync(replica, request, context.Token).ConfigureAwait(false);
                    outstanding.Answered(response.DeviceLoad);
                    return response;
                }
                catch (OperationCanceledException) when (context.Deadline.HasPassed)
                {
                    throw context.Deadline.Exceeded(request.Model);
                }
                catch (InferenceException exception) when (direct is not null && exception.Error == InferenceError.NotReady)
                {
                    // What is loaded here may be being replaced at this moment: the grain knows by what.
                    mayAskDirectly = false;
                    continue;
                }
                catch (Exception exception) when (ReplicaSearch.IsWorthwhile(exception))
                {
                    failure = exception;
                }
            }

            if (target is not null) target.IsLost = true;
            search ??= Search(context, model, key);
            if (await search.FindNextAsync(replica, failure).ConfigureAwait(false) is { } next) replica = next;
            else return await AskAnewAsync(search.Later!.Value, request).ConfigureAwait(false);
        }
    }

    private async Task<InferenceResponse> CallAsync(Replica replica, InferenceRequest request, CancellationToken cancellationToken)
    {
        var silo = replica.Work.Silo;
        for (var worker = silo.Worker; ; worker = null)
        {
            using var call = _watch.Begin((ICallHolder?)worker ?? replica.Grain, silo, request.Inputs, misses: 1, cancellationToken);
            request = request with { CallId = call.Id };
            try
            {
                return worker is null
                    ? await replica.Grain.InferAsync(request, call.Token).ConfigureAwait(false)
                    : await worker.PassAsync(request, replica.Id, call.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException exception) when (call.IsLostWith(exception))
            {
                throw CallWatch.Call.Lost();
            }
            catch (InferenceException exception) when (worker is not null && exception.Error == InferenceError.Unavailable)
            {
                // Its connection leads elsewhere by now; the runtime finds the grain wherever it is.
                silo.Worker = null;
            }
            catch (InferenceException)
            {
                silo.RecordAnswer();
                throw;
            }
        }
    }

    /// <summary>Waits for the answer to a request, and sends a copy of the request to a shadow when it is there.</summary>
    private async Task<InferenceResponse> CopyBehindAsync(
        ModelTable models, PublishedModel shadow, InferenceRequest request, Task<InferenceResponse> answer, double tolerance)
    {
        var response = await answer.ConfigureAwait(false);
        if (shadow.Record.Shadow.TryBegin()) CopyAsync(models, shadow, request, response, tolerance).Ignore();
        return response;
    }

    /// <summary>Sends a copy of a request that has been answered, and compares the answers.</summary>
    private async Task CopyAsync(
        ModelTable models, PublishedModel shadow, InferenceRequest request, InferenceResponse answer, double tolerance)
    {
        bool? isEqual = null;
        try
        {
            // The caller's deadline is its own: the copy has the time that any request has.
            var copy = request with { Version = shadow.Entry.Id.Version, Deadline = null };
            using var deadline = new RequestDeadline(copy, _options.Value, _time, CancellationToken.None);
            var response = await AskAsync(new(models, deadline, deadline.Token), shadow, deadline.Request, key: null).ConfigureAwait(false);
            isEqual = TensorComparison.AreEqual(answer.Outputs, response.Outputs, tolerance);
        }
        catch (Exception exception)
        {
            Log.CopyFailed(_logger, exception, shadow.Entry.Id);
        }
        finally
        {
            shadow.Record.Shadow.End(isEqual);
        }
    }
}
