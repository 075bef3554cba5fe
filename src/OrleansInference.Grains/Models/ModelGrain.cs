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
[KeepAlive] // Loading costs seconds: an idle model stays until it is unloaded. What is left then is an empty grain.
[Reentrant] // Calls must interleave, or the batcher would see only one at a time.
internal sealed class ModelGrain(
    IInferenceEngine engine,
    IModelRepository repository,
    ModelInstances instances,
    LiveStreams streams,
    RequestProcessor processor,
    CallsUnderWay calls,
    SiloReporter reporter,
    EngineOptions options,
    ILogger<ModelGrain> logger) : Grain, IModelGrain
{
    /// <summary>So often a request has the model loaded before it gives up: each time it has gone again before the request's turn came.</summary>
    private const int MaxAttempts = 3;

    /// <summary>What takes no more requests, and leaves the device when the streams that it has are over.</summary>
    private readonly List<Serving> _retired = [];

    private CancellationTokenSource _unloading = new();
    private TaskScheduler _turns = TaskScheduler.Current;
    private ModelInstanceId _id;
    private Task _load = Task.CompletedTask;
    private Task? _demanded;
    private Serving? _current;
    private string _notReady = "it is not loaded";
    private string _revision = "";
    private ModelVersion? _refused;
    private ModelStatistics _past = new();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = ModelInstanceId.Parse(this.GetPrimaryKeyString());
        _turns = TaskScheduler.Current;
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _unloading.CancelAsync();
        await FinishAsync(_load);
        instances.Remove(_id);
        if (_current is not null) _retired.Add(_current);
        foreach (var serving in _retired.ToList()) await serving.DisposeAsync();
        _unloading.Dispose();
    }

    public async Task LoadAsync()
    {
        _refused = null;
        _load = LoadAfterAsync(_load, _unloading.Token);
        try
        {
            await _load;
        }
        finally
        {
            await reporter.ReportAsync();
        }
    }

    public async Task RestAsync()
    {
        if (_current is { Streams: 0 } serving && IsOnDemand(serving.Version)) LeaveAsync("nobody has asked for it for long").Ignore();
        await reporter.ReportAsync();
    }

    public Task UnloadAsync()
    {
        _refused = repository.Find(_id.Model);
        return UnloadAsync("unloaded");
    }

    public Task WithdrawAsync() => UnloadAsync("it is elsewhere now");

    private async Task UnloadAsync(string reason)
    {
        // A load that is under way, or waits for one, was asked for before this.
        var unloading = _unloading;
        _unloading = new();
        await unloading.CancelAsync();
        unloading.Dispose();
        _notReady = reason;
        if (_current is { } serving)
        {
            _current = null;
            SetStatus(ModelState.Unloading, _notReady);
            Retire(serving);
        }
        else if (_retired.Count == 0)
        {
            instances.Remove(_id);
        }

        await reporter.ReportAsync();
    }

    public async ValueTask<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        using var noted = calls.Note(request.CallId);
        var serving = _current ?? await LoadOnDemandAsync(cancellationToken);
        return serving.Version.Descriptor.HasProcessing
            ? await GrainFactory.GetWorker(Random.Shared.Next(Environment.ProcessorCount)).InferAsync(request, _id, cancellationToken)
            : await serving.Model.InferAsync(request, cancellationToken);
    }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var noted = calls.Note(request.CallId);
        var serving = _current ?? await LoadOnDemandAsync(cancellationToken);
        var processes = serving.Version.Descriptor.HasProcessing;
        serving.Streams++;
        using var counted = streams.Count();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, streams.End);
        try
        {
            var network = processes ? await processor.PreprocessAsync(serving.Version, request, either.Token) : request;
            await using var responses = serving.Model.InferStreamAsync(network, either.Token).GetAsyncEnumerator(either.Token);
            while (await MoveNextAsync(responses))
            {
                yield return processes
                    ? await processor.PostprocessAsync(serving.Version, request, responses.Current, either.Token)
                    : responses.Current;
            }
        }
        finally
        {
            if (--serving.Streams == 0 && _retired.Contains(serving)) DisposeAsync(serving).Ignore();
        }
    }

    public ValueTask<long[]> FindLostAsync(long[] asked) => new(calls.FindUnknown(asked));

    public Task<ModelStatistics> GetStatisticsAsync() =>
        Task.FromResult(_current is null ? _past : _past.Add(_current.Model.GetStatistics()));

    /// <summary>Loads what is loaded on demand, once for all who wait for it.</summary>
    private async Task<Serving> LoadOnDemandAsync(CancellationToken cancellationToken)
    {
        if (reporter.IsDraining || repository.Find(_id.Model) is not { } version || version == _refused || !IsOnDemand(version)) throw NotReady();
        _past = _past with { ColdRequestCount = _past.ColdRequestCount + 1 };
        for (var attempt = 1; attempt <= MaxAttempts && _current is null; attempt++)
        {
            _demanded ??= DemandAsync();
            await _demanded.WaitAsync(cancellationToken);
        }

        return _current ?? throw NotReady();

        async Task DemandAsync()
        {
            // Not before it is noted: who comes meanwhile waits for this one.
            await Task.Yield();
            try
            {
                await LoadAsync();
            }
            finally
            {
                _demanded = null;
            }
        }
    }

    /// <summary>Whether it may be loaded by a request: where there is not room for all models, or where it leaves its last device when nobody asks.</summary>
    private bool IsOnDemand(ModelVersion version) => options.LoadsOnDemand || version.Config.Autoscaling is { MinReplicas: 0 };

    private InferenceException NotReady() => new(
        InferenceError.NotReady,
        $"Request for model '{_id.Model.Name}' version {_id.Model.Version} is not at ready state on {_id.Device}: {_notReady}");

    private async Task<bool> MoveNextAsync(IAsyncEnumerator<InferenceResponse> responses)
    {
        try
        {
            return await responses.MoveNextAsync();
        }
        catch (OperationCanceledException) when (streams.End.IsCancellationRequested)
        {
            throw new InferenceException(InferenceError.Unavailable, "the silo is shutting down");
        }
    }

    /// <summary>Loads follow one another: the last one finds what the repository holds by then.</summary>
    private async Task LoadAfterAsync(Task earlier, CancellationToken unloading)
    {
        await FinishAsync(earlier);
        try
        {
            unloading.ThrowIfCancellationRequested();
            var version = repository.Find(_id.Model)
                ?? throw new InferenceException(InferenceError.NotReady, $"no repository of this silo has {_id.Model}");
            _revision = version.Revision;
            if (version.Revision == _current?.Version.Revision)
            {
                SetStatus(ModelState.Ready, "");
                return;
            }

            if (_current is null) SetStatus(ModelState.Loading, "the model is being verified and loaded");
            var loaded = _retired.Find(serving => serving.Version == version && serving.Streams > 0);
            if (loaded is not null)
            {
                // Its streams have kept it on the device.
                _retired.Remove(loaded);
            }
            else
            {
                loaded = new(await engine.LoadAsync(version, _id.Device, MayLeave(version) ? () => LeaveAsync(version) : null, unloading), version);
                _past = _past with { LoadCount = _past.LoadCount + 1 };
                if (unloading.IsCancellationRequested)
                {
                    Retire(loaded);
                    throw new OperationCanceledException(unloading);
                }
            }

            var replaced = _current;
            _current = loaded;
            SetStatus(ModelState.Ready, "");
            if (replaced is not null) Retire(replaced);
        }
        catch (OperationCanceledException) when (unloading.IsCancellationRequested)
        {
            if (_current is null && _retired.Count == 0) instances.Remove(_id);
            throw new InferenceException(InferenceError.NotReady, "the model was unloaded while it was being loaded");
        }
        catch (InferenceException exception) when (exception.Error == InferenceError.QueueFull && _current is null)
        {
            // There is no room at present: nothing is wrong with the model.
            _notReady = exception.Message;
            instances.Remove(_id);
            throw;
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

    private bool MayLeave(ModelVersion version) => options.LoadsOnDemand && version.Descriptor.MinInstances == 0;

    /// <summary>
    /// Leaves the device for another model's sake, until the next request; but not what has taken its place meanwhile. The engine calls it from
    /// anywhere.
    /// </summary>
    private Task LeaveAsync(ModelVersion version) => Task.Factory.StartNew(
        () => _current?.Version == version ? LeaveAsync("it has made room for another model") : Task.CompletedTask,
        CancellationToken.None,
        TaskCreationOptions.None,
        _turns).Unwrap();

    private async Task LeaveAsync(string reason)
    {
        if (_current is not { Streams: 0 } serving) return;
        _current = null;
        _notReady = reason;
        _past = _past.Add(serving.Model.GetStatistics()) with { QueueDepth = 0 };
        instances.Remove(_id);
        _retired.Add(serving);
        await DisposeAsync(serving);
    }

    private void Retire(Serving serving)
    {
        _retired.Add(serving);
        if (serving.Streams == 0) DisposeAsync(serving).Ignore();
    }

    /// <summary>Lets what waits finish and takes the model off the device.</summary>
    private async Task DisposeAsync(Serving serving)
    {
        await serving.DisposeAsync();
        _retired.Remove(serving);
        if (_current is null && _retired.Count == 0 && _load.IsCompleted) instances.Remove(_id);
    }

    private void Fail(string reason)
    {
        if (_current is null) SetStatus(ModelState.Unavailable, reason);
        else SetStatus(ModelState.Ready, $"what was loaded before answers, since loading it again failed: {reason}");
    }

    private void SetStatus(ModelState state, string reason)
    {
        _notReady = reason;
        var status = new ModelInstanceStatus(_id, state, reason)
        {
            Revision = _revision,
            Checksum = _current?.Model.Checksum ?? "",
            MemoryBytes = _current?.Model.MemoryBytes ?? 0,
        };
        instances.Set(status, _current?.Version, _current?.Model);
    }

    private static async Task FinishAsync(Task load) =>
        await load.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    /// <summary>A model on the device, what it was loaded from, and the streams that it answers: each of them is many calls.</summary>
    private sealed record Serving(ILoadedModel Model, ModelVersion Version)
    {
        private Task? _disposal;

        public int Streams { get; set; }

        public Task DisposeAsync() => _disposal ??= Model.DisposeAsync().AsTask();
    }
}
