using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine;

/// <summary>Joins devices, runtime and verification. One per process.</summary>
internal sealed class InferenceEngine : IInferenceEngine, IAsyncDisposable
{
    private readonly Dictionary<string, DeviceThread> _threads;
    private readonly IModelRuntime _runtime;
    private readonly IModelVerifier _verifier;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<InferenceEngine> _logger;

    public InferenceEngine(
        IReadOnlyList<Device> devices,
        IModelRuntime runtime,
        IModelVerifier verifier,
        EngineOptions options,
        TimeProvider time,
        ILogger<InferenceEngine> logger)
    {
        Devices = devices;
        _runtime = runtime;
        _verifier = verifier;
        _options = options;
        _time = time;
        _logger = logger;
        _threads = devices.ToDictionary(
            device => device.Name, device => new DeviceThread(device, time, logger, () => runtime.InitializeThread(device)));
    }

    public IReadOnlyList<Device> Devices { get; }

    public async Task<ILoadedModel> LoadAsync(ModelVersion version, string device, CancellationToken cancellationToken)
    {
        if (!_threads.TryGetValue(device, out var thread))
            throw new InferenceException(InferenceError.NotFound, $"device '{device}' is not one of {string.Join(", ", _threads.Keys)}");

        var started = _time.GetTimestamp();
        if (await _verifier.VerifyAsync(version, cancellationToken) is { } reason)
        {
            Log.ModelBroken(_logger, version.Id, reason);
            throw new InferenceException(InferenceError.NotReady, reason);
        }

        var verified = _time.GetTimestamp();
        var instance = await thread.InvokeAsync(() => LoadAndWarmUp(version, thread.Device));
        Log.ModelReady(
            _logger, version.Id, device, _time.GetElapsedTime(started, verified).TotalSeconds, _time.GetElapsedTime(verified).TotalSeconds);
        var model = new LoadedModel(version, instance, BatchingOf(version), thread, _logger);
        if (!cancellationToken.IsCancellationRequested) return model;
        await model.DisposeAsync();
        throw new OperationCanceledException(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var thread in _threads.Values) await thread.DisposeAsync();
    }

    private IModelInstance LoadAndWarmUp(ModelVersion version, Device device)
    {
        var instance = _runtime.Load(version, device);
        try
        {
            // The verifying process has run what keeps state; here that would leave its traces.
            if (!version.Config.IsStateful && Warmup.Run(instance, version) is { } reason) Log.WarmupSkipped(_logger, version.Id, reason);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private BatchingOptions BatchingOf(ModelVersion version)
    {
        var batching = version.Config.Batching;
        return new()
        {
            MaxBatchSize = batching.Enabled && !version.Config.IsStateful ? version.Config.MaxBatchSize : 0,
            PreferredBatchSizes = batching.PreferredBatchSizes,
            MaxQueueDelay = batching.MaxQueueDelay,
            LatencyTarget = batching.LatencyTarget,
            PreserveOrdering = batching.PreserveOrdering,
            PriorityLevels = batching.PriorityLevels,
            DefaultPriority = batching.DefaultPriority,
            DefaultPolicy = Bounded(batching.DefaultPolicy),
            LevelPolicies = batching.LevelPolicies.ToDictionary(level => level.Key, level => Bounded(level.Value)),
            EqualInputs = [.. version.Config.NumberInputs.Select(IndexOf)],
            Padding = batching.Padding.Count > 0 ? new Padding(batching.Padding, version.Network) : null,
        };

        int IndexOf(string input) => version.Network.Inputs.TakeWhile(other => other.Name != input).Count();

        QueuePolicy Bounded(QueuePolicy policy) => policy.MaxQueueSize > 0 ? policy : policy with { MaxQueueSize = _options.MaxQueueSize };
    }
}
