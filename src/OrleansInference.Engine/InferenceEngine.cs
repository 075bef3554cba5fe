using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Memory;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine;

/// <summary>Joins devices, runtime and verification. One per process.</summary>
internal sealed class InferenceEngine : IInferenceEngine, IAsyncDisposable
{
    private readonly Dictionary<string, DeviceThread> _threads;

    /// <summary>
    /// One beside each device, so that the models of the device go on answering while another one is read and warmed up. A thread of one: an
    /// operation's threads would take the cores from those of the device.
    /// </summary>
    private readonly Dictionary<string, DeviceThread> _loaders;

    private readonly Dictionary<string, DeviceMemory> _memory;
    private readonly IModelRuntime _runtime;
    private readonly IModelVerifier _verifier;
    private readonly ModelQuarantine? _quarantine;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<InferenceEngine> _logger;

    public InferenceEngine(
        IReadOnlyList<Device> devices,
        IModelRuntime runtime,
        IModelVerifier verifier,
        ModelQuarantine? quarantine,
        EngineOptions options,
        TimeProvider time,
        ILogger<InferenceEngine> logger)
    {
        Devices = devices;
        _runtime = runtime;
        _verifier = verifier;
        _quarantine = quarantine;
        _options = options;
        _time = time;
        _logger = logger;
        _threads = devices.ToDictionary(device => device.Name, Start);
        _loaders = devices.ToDictionary(device => device.Name, device => Start(device with { Threads = 1 }));
        _memory = devices.ToDictionary(device => device.Name, device => new DeviceMemory(device.Name, options.DeviceMemoryBudget, time));

        DeviceThread Start(Device device) => new(device, time, logger, () => runtime.InitializeThread(device));
    }

    public IReadOnlyList<Device> Devices { get; }

    public async Task<ILoadedModel> LoadAsync(ModelVersion version, string device, Func<Task>? leave, CancellationToken cancellationToken)
    {
        if (!_threads.TryGetValue(device, out var thread))
            throw new InferenceException(InferenceError.NotFound, $"device '{device}' is not one of {string.Join(", ", _threads.Keys)}");

        foreach (var warning in version.Config.Warnings) Log.ConfigurationIdle(_logger, version.Id, warning);
        var started = _time.GetTimestamp();
        if (_quarantine?.FindReason(version) is { } quarantine) throw Broken(version, quarantine);
        var verification = await _verifier.VerifyAsync(version, cancellationToken);
        if (verification.Reason is { } reason) throw Broken(version, reason);
        var verified = _time.GetTimestamp();
        var model = await _memory[device].LoadAsync(
            version.Id,
            verification.MemoryBytes,
            async room =>
            {
                var instance = await _loaders[device].InvokeAsync(() => LoadAndWarmUp(version, thread.Device));
                return new(version, instance, BatchingOf(version), thread, _logger, room, verification.Checksum);
            },
            leave,
            cancellationToken);
        Log.ModelReady(
            _logger, version.Id, device, _time.GetElapsedTime(started, verified).TotalSeconds, _time.GetElapsedTime(verified).TotalSeconds);
        if (!cancellationToken.IsCancellationRequested) return model;
        await model.DisposeAsync();
        throw new OperationCanceledException(cancellationToken);
    }

    public long GetMemoryLimit(string device)
    {
        if (_options.DeviceMemoryBudget > 0) return _options.DeviceMemoryBudget;
        return _threads[device].Device.Kind == DeviceKind.Cpu
            ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Devices.Count(other => other.Kind == DeviceKind.Cpu)
            : 0;
    }

    public async Task<string?> VerifyAsync(ModelVersion version) =>
        // An ensemble has no file to verify.
        version.Config.Ensemble is null ? (await _verifier.VerifyAsync(version, CancellationToken.None)).Reason : null;

    public void Release(ModelVersion version) => _quarantine?.Release(version);

    public async ValueTask DisposeAsync()
    {
        foreach (var thread in _loaders.Values.Concat(_threads.Values)) await thread.DisposeAsync();
    }

    private IModelInstance LoadAndWarmUp(ModelVersion version, Device device)
    {
        var loading = _quarantine?.RecordOf(version, device, isLoading: true);
        loading?.Enter(RunPhase.Load);
        IModelInstance? instance = null;
        try
        {
            instance = _runtime.Load(version, device);
            // The verifying process has run what keeps state; here that would leave its traces.
            if (!version.Config.IsStateful && Warmup.Run(instance, version) is { } reason) Log.WarmupSkipped(_logger, version.Id, reason);
            return _quarantine?.RecordOf(version, device) is { } record ? new RecordedModel(instance, record) : instance;
        }
        catch
        {
            instance?.Dispose();
            throw;
        }
        finally
        {
            loading?.Leave();
        }
    }

    private InferenceException Broken(ModelVersion version, string reason)
    {
        Log.ModelBroken(_logger, version.Id, reason);
        return new(InferenceError.NotReady, reason);
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
