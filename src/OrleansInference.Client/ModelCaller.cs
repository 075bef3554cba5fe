using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

using OrleansInference.Client.Ensembles;
using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>
/// Has a request answered by the version that is to answer it: by a network on one of its devices, in parts on several of them, or by the
/// models of an ensemble, for each of which it is called again.
/// </summary>
internal sealed class ModelCaller
{
    private readonly IGrainFactory _grains;
    private readonly CatalogWatcher _catalog;
    private readonly DeviceChooser _chooser;
    private readonly IOptions<InferenceClientOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelCaller> _logger;
    private readonly ILocalModels? _local;
    private readonly EnsembleRunner _ensembles;
    private IInferenceWorkerGrain? _worker;

    public ModelCaller(
        IGrainFactory grains,
        CatalogWatcher catalog,
        DeviceChooser chooser,
        IOptions<InferenceClientOptions> options,
        TimeProvider time,
        ILogger<ModelCaller> logger,
        ILocalModels? local = null)
    {
        _grains = grains;
        _catalog = catalog;
        _chooser = chooser;
        _options = options;
        _time = time;
        _logger = logger;
        _local = local;
        _ensembles = new(this, () => Worker, time, logger);
    }

    private IInferenceWorkerGrain Worker => _worker ??= _grains.GetWorker();

    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or the call is not needed any more.</exception>
    public Task<InferenceResponse> InferAsync(RequestContext context, InferenceRequest request)
    {
        var (model, versions) = context.Models.Route(request);
        var answer = AskAsync(context, model, request, versions.KeyOf(request));
        return versions.ChooseShadow(request, model) is { } shadow
            ? CopyBehindAsync(context.Models, shadow, request, answer, versions.ShadowTolerance)
            : answer;
    }

    /// <summary>Chooses a replica other than the one that is lost; the same for equal keys, where there is one.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: there is none.</exception>
    public Replica Choose(PublishedModel model, Replica? lost, string? key)
    {
        var isThere = key is null
            ? _chooser.TryChoose(model.Ready, lost, out var replica)
            : DeviceChooser.TryChoose(model.Ready, lost, key, out replica);
        return isThere ? replica! : throw Lost(model.Entry.Id, null);
    }

    /// <summary>Gives up one replica for another, once.</summary>
    /// <returns>The replica that is not to be asked again.</returns>
    public Replica Retry(PublishedModel model, Replica replica, Replica? lost, Exception exception)
    {
        if (IsLast(model, lost)) throw Lost(model.Entry.Id, exception);
        Log.Retrying(_logger, exception, replica.Id);
        return replica;
    }

    /// <summary>
    /// Whoever is refused by an instance that was ready may have come too late: something else may have taken its place, as with a new version.
    /// </summary>
    /// <returns>The models as they are by now; null where they are still the same, or where something else is wrong.</returns>
    public async ValueTask<ModelTable?> FindNewerAsync(RequestContext context, Exception exception) =>
        exception is InferenceException { Error: InferenceError.NotReady }
            ? await _catalog.FindNewerAsync(context.Models.Revision, context.Token).ConfigureAwait(false)
            : null;

    /// <summary>Whether there is no replica that could be asked in place of one that is lost.</summary>
    public static bool IsLast(PublishedModel model, Replica? lost) => lost is not null || model.Ready.Count < 2;

    public static bool IsLost(Exception exception) => exception switch
    {
        InferenceException inference => inference.Error is InferenceError.NotReady or InferenceError.Unavailable,
        OrleansException or TimeoutException or EnumerationAbortedException => true,
        _ => false,
    };

    public InferenceException Lost(ModelId model, Exception? cause)
    {
        if (cause is InferenceException known) return known;
        // What the runtime says is for the log: it names grains, messages and addresses.
        if (cause is not null) Log.DeviceLost(_logger, cause, model);
        var reason = cause switch
        {
            null => "none is ready",
            EnumerationAbortedException => "its stream is lost, or was not read for too long",
            TimeoutException => "it has not answered in time",
            _ => "it cannot be reached",
        };
        return new(InferenceError.Unavailable, $"model '{model.Name}' version {model.Version} has no device that answers: {reason}", cause);
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
        if (model.Ready.Count == 0 && model.Record.Ensemble is null) throw Lost(model.Entry.Id, null);
        try
        {
            return await BatchSplitter.RunAsync(
                model,
                request,
                _options.Value.MaxRowsPerRequest,
                (part, target, token) => AskWholeAsync(context with { Token = token }, model, part, key, target),
                _time,
                context.Token).ConfigureAwait(false);
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
        for (Replica? lost = null; ;)
        {
            var replica = lost is null && target is { IsLost: false } ? target.Replica : Choose(model, lost, key);
            using var outstanding = replica.Work.Begin();
            var direct = mayAskDirectly ? _local?.TryInferAsync(replica.Id, request, context.Token) : null;
            try
            {
                return await (direct is null ? CallAsync(model, replica, request, context.Token) : new(direct)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (context.Deadline.HasPassed)
            {
                throw context.Deadline.Exceeded(request.Model);
            }
            catch (InferenceException exception) when (direct is not null && exception.Error == InferenceError.NotReady)
            {
                // What is loaded here may be being replaced at this moment: the grain knows by what.
                mayAskDirectly = false;
            }
            catch (Exception exception) when (IsLost(exception))
            {
                if (IsLast(model, lost) && await FindNewerAsync(context, exception).ConfigureAwait(false) is { } newer)
                    return await InferAsync(context with { Models = newer }, request).ConfigureAwait(false);
                // Inference is idempotent: where a device is lost with a request on it, another one may answer.
                lost = Retry(model, replica, lost, exception);
                if (target is not null) target.IsLost = true;
            }
        }
    }

    private ValueTask<InferenceResponse> CallAsync(
        PublishedModel model, Replica replica, InferenceRequest request, CancellationToken cancellationToken) =>
        model.Entry.Descriptor!.HasProcessing
            ? Worker.InferAsync(request, replica.Id, cancellationToken)
            : replica.Grain.InferAsync(request, cancellationToken);

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
