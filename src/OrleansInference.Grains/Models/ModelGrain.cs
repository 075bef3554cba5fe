using Microsoft.Extensions.Logging;

using Orleans.Concurrency;
using Orleans.Placement;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Models;

/// <summary>Holds one model on one device: loads it, hands it requests, unloads it. The engine does the work.</summary>
[OnDeviceSilo, Immovable] // The device stands in the key, and a device cannot move.
[KeepAlive] // Loading costs seconds: an idle model stays until it is unloaded.
[Reentrant] // Calls must interleave, or the batcher would see only one at a time.
internal sealed class ModelGrain(
    IInferenceEngine engine, IModelRepository repository, ModelInstances instances, ILogger<ModelGrain> logger) : Grain, IModelGrain
{
    private readonly CancellationTokenSource _deactivated = new();
    private ModelInstanceId _id;
    private ModelInstanceStatus _status = null!;
    private Task _loading = Task.CompletedTask;
    private ILoadedModel? _model;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = ModelInstanceId.Parse(this.GetPrimaryKeyString());
        // Loading may outlast any activation's time limit, so it begins here and is not awaited.
        _loading = LoadModelAsync();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _deactivated.CancelAsync();
        await _loading;
        if (_model is not null) await _model.DisposeAsync();
        instances.Remove(_id);
        _deactivated.Dispose();
    }

    /// <summary>Being called is what activates the grain, and activation begins to load.</summary>
    public Task LoadAsync() => Task.CompletedTask;

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        var model = _model ?? throw new InferenceException(InferenceError.NotReady, NotReady());
        return await model.InferAsync(request, cancellationToken);
    }

    public Task<ModelStatistics> GetStatisticsAsync() => Task.FromResult(_model?.GetStatistics() ?? new());

    private async Task LoadModelAsync()
    {
        SetStatus(ModelState.Loading, "the model is being verified and loaded");
        try
        {
            var version = repository.Find(_id.Model)
                ?? throw new InferenceException(InferenceError.NotFound, $"no repository of this silo has {_id.Model}");
            _model = await engine.LoadAsync(version, _id.Device, _deactivated.Token);
            SetStatus(ModelState.Ready, "");
        }
        catch (InferenceException exception)
        {
            SetStatus(ModelState.Unavailable, exception.Message);
        }
        catch (OperationCanceledException) when (_deactivated.IsCancellationRequested)
        {
            SetStatus(ModelState.Unloading, "the silo is shutting down");
        }
        catch (Exception exception)
        {
            Log.LoadFailed(logger, exception, _id);
            SetStatus(ModelState.Unavailable, $"loading failed: {exception.Message}");
        }
    }

    private void SetStatus(ModelState state, string reason)
    {
        _status = new(_id, state, reason);
        instances.Set(_status);
    }

    private string NotReady() =>
        $"Request for model '{_id.Model.Name}' version {_id.Model.Version} is not at ready state on {_id.Device}: {_status.Reason}";
}
