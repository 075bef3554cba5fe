using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

using OrleansInference.Engine;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Tests;

/// <summary>An engine without models: what a request does is up to the test.</summary>
internal sealed class ScriptedEngine(IReadOnlyList<Device> devices, ScriptedModels models) : IInferenceEngine
{
    public IReadOnlyList<Device> Devices => devices;

    public async Task<ILoadedModel> LoadAsync(ModelVersion version, string device, Func<Task>? leave, CancellationToken cancellationToken)
    {
        var instance = new ModelInstanceId(version.Id, device);
        models.Loaded.Enqueue((devices[0].Name, instance));
        if (leave is not null) models.Leave[instance] = leave;
        await models.OnLoad(instance).WaitAsync(cancellationToken);
        return new LoadedModel(instance, models);
    }

    public long GetMemoryLimit(string device) => 0;

    public async Task<string?> VerifyAsync(ModelVersion version)
    {
        try
        {
            await models.OnLoad(new(version.Id, devices[0].Name));
            return null;
        }
        catch (InferenceException exception)
        {
            return exception.Message;
        }
    }

    public void Release(ModelVersion version)
    {
        // Nothing here ends the process.
    }

    private sealed class LoadedModel(ModelInstanceId instance, ScriptedModels models) : ILoadedModel
    {
        private readonly ConcurrentDictionary<Task, bool> _underWay = new();
        private int _answered;

        public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken)
        {
            var answer = models.OnInfer(instance, request, cancellationToken);
            _underWay.TryAdd(answer, true);
            try
            {
                var response = await answer;
                Interlocked.Increment(ref _answered);
                return response;
            }
            finally
            {
                _underWay.TryRemove(answer, out _);
            }
        }

        public IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            models.OnInferStream(instance, request, cancellationToken);

        public long MemoryBytes => 1;

        public string Checksum => "0";

        public ModelStatistics GetStatistics() => new() { InferenceCount = 1, Success = new(Volatile.Read(ref _answered), 0) };

        public async ValueTask DisposeAsync()
        {
            // What is under way is finished first.
            await Task.WhenAll(_underWay.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            models.Unloaded.Enqueue(instance);
            models.SignalUnloaded();
        }
    }
}

/// <summary>What the models of all silos of a cluster do and have done.</summary>
internal sealed class ScriptedModels
{
    public ScriptedModels() => OnInferStream = InferOnceAsync;

    public ConcurrentQueue<(string FirstDevice, ModelInstanceId Instance)> Loaded { get; } = new();

    public ConcurrentQueue<ModelInstanceId> Unloaded { get; } = new();

    /// <summary>What has an instance leave for the sake of another one, as the engine does where room is scarce.</summary>
    public ConcurrentDictionary<ModelInstanceId, Func<Task>> Leave { get; } = new();

    private readonly TaskCompletionSource _unloaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void SignalUnloaded() => _unloaded.TrySetResult();

    /// <summary>Waits until a model has left its device.</summary>
    public Task UnloadedAsync() => _unloaded.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public Func<ModelInstanceId, Task> OnLoad { get; set; } = _ => Task.CompletedTask;

    /// <summary>Gives one response, that of <see cref="OnInfer"/>, unless a test sets another.</summary>
    public Func<ModelInstanceId, InferenceRequest, CancellationToken, IAsyncEnumerable<InferenceResponse>> OnInferStream { get; set; }

    /// <summary>Echoes the inputs, unless a test sets another.</summary>
    public Func<ModelInstanceId, InferenceRequest, CancellationToken, Task<InferenceResponse>> OnInfer { get; set; } =
        (instance, request, _) => Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });

    private async IAsyncEnumerable<InferenceResponse> InferOnceAsync(
        ModelInstanceId instance, InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return await OnInfer(instance, request, cancellationToken);
    }
}
