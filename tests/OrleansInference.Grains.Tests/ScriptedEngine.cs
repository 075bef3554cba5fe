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

    public async Task<ILoadedModel> LoadAsync(ModelVersion version, string device, CancellationToken cancellationToken)
    {
        var instance = new ModelInstanceId(version.Id, device);
        models.Loaded.Enqueue((devices[0].Name, instance));
        await models.OnLoad(instance).WaitAsync(cancellationToken);
        return new LoadedModel(instance, models);
    }

    private sealed class LoadedModel(ModelInstanceId instance, ScriptedModels models) : ILoadedModel
    {
        public Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            models.OnInfer(instance, request, cancellationToken);

        public IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            models.OnInferStream(instance, request, cancellationToken);

        public ModelStatistics GetStatistics() => new() { InferenceCount = 1 };

        public ValueTask DisposeAsync()
        {
            models.Unloaded.Enqueue(instance);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>What the models of all silos of a cluster do and have done.</summary>
internal sealed class ScriptedModels
{
    public ScriptedModels() => OnInferStream = InferOnceAsync;

    public ConcurrentQueue<(string FirstDevice, ModelInstanceId Instance)> Loaded { get; } = new();

    public ConcurrentQueue<ModelInstanceId> Unloaded { get; } = new();

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
