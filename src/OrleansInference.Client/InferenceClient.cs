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
        var limit = options.Value.MaxInFlight;
        try
        {
            if (Interlocked.Increment(ref _inFlight) > limit)
                throw new InferenceException(InferenceError.QueueFull, $"Exceeds the {limit} requests that may be in flight at once (MaxInFlight)");
            return await InferWithinDeadlineAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
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
            throw new InferenceException(InferenceError.Unavailable, $"the model catalog does not answer: {exception.Message}", exception);
        }
    }

    private async Task<InferenceResponse> InferWithinDeadlineAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var deadline = request.Deadline ?? now + options.Value.DefaultTimeout;
        if (deadline <= now)
            throw new InferenceException(InferenceError.DeadlineExceeded, $"Request timeout expired before model '{request.Model}' was asked");
        if (deadline - now > InferenceClientOptions.MaxTimeout)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"timeout {(deadline - now).TotalSeconds:F0} s is longer than the limit of {InferenceClientOptions.MaxTimeout.TotalSeconds:F0} s");
        }

        using var timeout = new CancellationTokenSource(deadline - now, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await InferWithRetryAsync(request with { Deadline = deadline }, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new InferenceException(
                InferenceError.DeadlineExceeded,
                $"Request timeout expired: model '{request.Model}' has not answered in the {(deadline - now).TotalMilliseconds:F0} ms that were left");
        }
    }

    /// <summary>Inference is idempotent: where a device is lost with a request on it, another one may answer.</summary>
    private async Task<InferenceResponse> InferWithRetryAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        var table = await catalog.GetAsync(cancellationToken).ConfigureAwait(false);
        var model = table.Find(request.Model, request.Version);
        var descriptor = model.GetReadyDescriptor();
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
        OrleansException or TimeoutException => true,
        _ => false,
    };

    private static InferenceException Lost(ModelId model, Exception? cause) =>
        cause as InferenceException ?? new(
            InferenceError.Unavailable, $"model '{model.Name}' version {model.Version} has no device that answers: {cause?.Message ?? "none is ready"}", cause);
}
