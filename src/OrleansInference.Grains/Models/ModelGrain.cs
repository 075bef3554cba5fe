using System.Runtime.CompilerServices;

using Microsoft.Extensions.Logging;

using Orleans.Concurrency;
using Orleans.Placement;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Inference;
using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Models;

/// <summary>Holds one model on one device: loads it, hands it requests, unloads it. The engine does the work.</summary>
[OnDeviceSilo, Immovable] // The device stands in the key, and a device cannot move.
[KeepAlive] // Loading costs seconds: an idle model stays until it is unloaded.
[Reentrant] // Calls must interleave, or the batcher would see only one at a time.
internal sealed class ModelGrain(
    IInferenceEngine engine,
    IModelRepository repository,
    ModelInstances instances,
    RequestProcessor processor,
    SiloReporter reporter,
    ILogger<ModelGrain> logger) : Grain, IModelGrain
{
    private readonly CancellationTokenSource _unloading = new();
    private ModelInstanceId _id;
    private Task? _load;
    private ILoadedModel? _model;
    private ModelVersion? _version;
    private string _notReady = "it is not loaded";
    private int _streams;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = ModelInstanceId.Parse(this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _unloading.CancelAsync();
        if (_load is not null) await FinishAsync(_load);
        if (_model is not null) await _model.DisposeAsync();
        instances.Remove(_id);
        _unloading.Dispose();
    }

    public async Task LoadAsync()
    {
        _load = LoadAfterAsync(_load);
        try
        {
            await _load;
        }
        finally
        {
            await reporter.ReportAsync();
        }
    }

    public async Task UnloadAsync()
    {
        SetStatus(ModelState.Unloading, "it is being unloaded");
        await _unloading.CancelAsync();
        DeactivateWithoutStreams();
        await reporter.ReportAsync();
    }

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken) =>
        await GetModel().InferAsync(request, cancellationToken);

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (model, version) = (GetModel(), _version!);
        _streams++;
        try
        {
            var network = await processor.PreprocessAsync(version, request, cancellationToken);
            await foreach (var response in model.InferStreamAsync(network, cancellationToken))
                yield return RequestProcessor.Postprocess(version, request, response);
        }
        finally
        {
            _streams--;
            if (_unloading.IsCancellationRequested) DeactivateWithoutStreams();
        }
    }

    public Task<ModelStatistics> GetStatisticsAsync() => Task.FromResult(_model?.GetStatistics() ?? new());

    /// <summary>A stream is not one call but many, so that deactivation would not wait for it as it does for calls.</summary>
    private void DeactivateWithoutStreams()
    {
        if (_streams == 0) DeactivateOnIdle();
    }

    private ILoadedModel GetModel()
    {
        if (_model is { } model && !_unloading.IsCancellationRequested) return model;
        // Whoever still believes in an instance that is gone must not leave an empty one behind.
        if (_load is null) DeactivateOnIdle();
        throw new InferenceException(
            InferenceError.NotReady,
            $"Request for model '{_id.Model.Name}' version {_id.Model.Version} is not at ready state on {_id.Device}: {_notReady}");
    }

    /// <summary>Loads follow one another: the last one finds what the repository holds by then.</summary>
    private async Task LoadAfterAsync(Task? earlier)
    {
        if (earlier is not null) await FinishAsync(earlier);
        try
        {
            var version = repository.Find(_id.Model)
                ?? throw new InferenceException(InferenceError.NotReady, $"no repository of this silo has {_id.Model}");
            if (version == _version) return;
            if (_model is null) SetStatus(ModelState.Loading, "the model is being verified and loaded");
            var loaded = await engine.LoadAsync(version, _id.Device, _unloading.Token);
            var replaced = _model;
            (_model, _version) = (loaded, version);
            SetStatus(ModelState.Ready, "");
            if (replaced is not null) await replaced.DisposeAsync();
        }
        catch (OperationCanceledException) when (_unloading.IsCancellationRequested)
        {
            throw new InferenceException(InferenceError.NotReady, "the model was unloaded while it was being loaded");
        }
        catch (InferenceException exception)
        {
            Fail(exception.Message);
            throw;
        }
        catch (Exception exception)
        {
            Log.LoadFailed(logger, exception, _id);
            Fail($"loading failed: {exception.Message}");
            throw new InferenceException(InferenceError.NotReady, $"loading failed: {exception.Message}", exception);
        }
    }

    private void Fail(string reason)
    {
        if (_model is null) SetStatus(ModelState.Unavailable, reason);
        else SetStatus(ModelState.Ready, $"what was loaded before answers, since loading it again failed: {reason}");
    }

    private void SetStatus(ModelState state, string reason)
    {
        _notReady = reason;
        instances.Set(new(_id, state, reason), _version);
    }

    private static async Task FinishAsync(Task load) =>
        await load.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
}
