using System.Runtime.CompilerServices;

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace OrleansInference.Client;

internal sealed class InferenceClient(
    IGrainFactory grains, CatalogWatcher catalog, IOptions<InferenceClientOptions> options, TimeProvider time, ILogger<InferenceClient> logger)
    : IInferenceClient
{
    private readonly DeviceChooser _chooser = new();
    private int _inFlight;

    public bool IsReady => catalog.IsConnected && catalog.Current is { } table && table.All.All(entry => entry.State != ModelState.Loading);

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var (model, descriptor) = await FindReadyAsync(deadline).ConfigureAwait(false);
        try
        {
            return await InferWithRetryAsync(model, descriptor, deadline.Request, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Exceeded();
        }
    }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var admission = Admit();
        using var deadline = new RequestDeadline(request, options.Value, time, cancellationToken);
        var (model, _) = await FindReadyAsync(deadline).ConfigureAwait(false);
        ModelInstanceId? lost = null;
        for (var hasAnswered = false; ;)
        {
            if (!_chooser.TryChoose(model, lost, out var instance)) throw Lost(model.Id, null);
            using var outstanding = _chooser.Count(instance.Value.Device);
            var responses = grains.GetModel(instance.Value).InferStreamAsync(deadline.Request, deadline.Token).GetAsyncEnumerator(deadline.Token);
            await using var ending = responses.ConfigureAwait(false);
            while (true)
            {
                InferenceResponse response;
                try
                {
                    if (!await responses.MoveNextAsync().ConfigureAwait(false)) throw Lost(model.Id, null);
                    response = responses.Current;
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Exceeded();
                }
                catch (Exception exception) when (IsLost(exception))
                {
                    // What has been passed on cannot be taken back, so that only a stream that has not begun may begin elsewhere.
                    if (hasAnswered || lost is not null || !_chooser.TryChoose(model, instance, out var other)) throw Lost(model.Id, exception);
                    Log.Retrying(logger, exception, instance.Value, other.Value.Device);
                    lost = instance;
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

    public async Task<ModelEntry> GetModelAsync(string model, int? version = null, CancellationToken cancellationToken = default) =>
        (await catalog.GetAsync(cancellationToken).ConfigureAwait(false)).Find(model, version);

    public async Task<IReadOnlyList<(ModelId Model, ModelStatistics Statistics)>> GetStatisticsAsync(
        string? model = null, int? version = null, CancellationToken cancellationToken = default)
    {
        var table = await catalog.GetAsync(cancellationToken).ConfigureAwait(false);
        var versions = (model, version) switch
        {
            (null, _) => table.All.Where(entry => entry.State == ModelState.Ready),
            (_, null) => table.FindVersions(model),
            _ => [table.Find(model, version)],
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

    private async ValueTask<(ModelEntry Model, ModelDescriptor Descriptor)> FindReadyAsync(RequestDeadline deadline)
    {
        try
        {
            var table = await catalog.GetAsync(deadline.Token).ConfigureAwait(false);
            var model = table.Find(deadline.Request.Model, deadline.Request.Version);
            return (model, model.GetReadyDescriptor());
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Exceeded();
        }
    }

    /// <summary>Inference is idempotent: where a device is lost with a request on it, another one may answer.</summary>
    private async Task<InferenceResponse> InferWithRetryAsync(
        ModelEntry model, ModelDescriptor descriptor, InferenceRequest request, CancellationToken cancellationToken)
    {
        if (!_chooser.TryChoose(model, null, out var instance)) throw Lost(model.Id, null);
        try
        {
            return await SendAsync(descriptor, instance.Value, request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsLost(exception))
        {
            if (!_chooser.TryChoose(model, instance, out var other)) throw Lost(model.Id, exception);
            Log.Retrying(logger, exception, instance.Value, other.Value.Device);
            instance = other;
        }

        try
        {
            return await SendAsync(descriptor, instance.Value, request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsLost(exception))
        {
            throw Lost(model.Id, exception);
        }
    }

    private async Task<InferenceResponse> SendAsync(
        ModelDescriptor model, ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken)
    {
        using var outstanding = _chooser.Count(instance.Device);
        return model.HasProcessing
            ? await grains.GetWorker().InferAsync(request, instance, cancellationToken).ConfigureAwait(false)
            : await grains.GetModel(instance).InferAsync(request, cancellationToken).ConfigureAwait(false);
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
