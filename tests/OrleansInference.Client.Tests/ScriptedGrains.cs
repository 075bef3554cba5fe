using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace OrleansInference.Client.Tests;

/// <summary>The grains that a client calls, without a cluster: a catalog that tells what the test sets, and models that do as told.</summary>
internal sealed class ScriptedGrains : IModelCatalogGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CatalogSnapshot? _snapshot;

    /// <summary>What a model grain does, by its instance.</summary>
    public Func<ModelInstanceId, InferenceRequest, CancellationToken, Task<InferenceResponse>> OnInfer { get; set; } =
        (instance, request, _) => Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });

    /// <summary>The instances asked so far, and whether a worker was between.</summary>
    public List<(string Instance, bool ByWorker)> Asked { get; } = [];

    /// <summary>Whether calls fail as they do when there is no silo.</summary>
    public bool IsGone { get; set; }

    public void Publish(params ModelEntry[] models)
    {
        _snapshot = new(Guid.NewGuid().ToString(), models);
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public static ModelEntry Model(
        string name, int version = 1, ModelState state = ModelState.Ready, bool hasProcessing = false, params string[] devices)
    {
        var id = new ModelId(name, version);
        return new()
        {
            Id = id,
            State = state,
            Reason = state == ModelState.Ready ? "" : "for a reason",
            Descriptor = new()
            {
                Id = id,
                Platform = "",
                MaxBatchSize = 0,
                Inputs = [],
                Outputs = [],
                Configuration = "{}",
                HasProcessing = hasProcessing,
            },
            Instances = [.. devices.Select(device => new ModelInstanceStatus(new(id, device), state))],
        };
    }

    public async Task<CatalogSnapshot> WatchAsync(string? knownRevision, CancellationToken cancellationToken)
    {
        var changed = _changed;
        if (IsGone) throw new SiloUnavailableException("gone");
        if (_snapshot is null || _snapshot.Revision == knownRevision) await changed.Task.WaitAsync(cancellationToken);
        return IsGone ? throw new SiloUnavailableException("gone") : _snapshot!;
    }

    public Task ReportAsync(SiloReport report) => throw new NotSupportedException();

    private Task<InferenceResponse> InferAsync(ModelInstanceId instance, bool byWorker, InferenceRequest request, CancellationToken cancellationToken)
    {
        lock (Asked) Asked.Add((instance.ToString(), byWorker));
        return OnInfer(instance, request, cancellationToken);
    }

    private sealed class ModelGrain(ScriptedGrains grains, ModelInstanceId instance) : IModelGrain
    {
        public Task LoadAsync() => Task.CompletedTask;

        public Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            grains.InferAsync(instance, false, request, cancellationToken);

        public Task<ModelStatistics> GetStatisticsAsync() =>
            grains.IsGone ? throw new SiloUnavailableException("gone") : Task.FromResult(new ModelStatistics { InferenceCount = 1 });
    }

    private sealed class Worker(ScriptedGrains grains) : IInferenceWorkerGrain
    {
        public Task<InferenceResponse> InferAsync(
            InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken) =>
            grains.InferAsync(instance, true, request, cancellationToken);
    }

    /// <summary>Answers <c>GetGrain</c> by the interface and key asked for; the factory's other members are not used.</summary>
    [SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "The proxy derives from it.")]
    public class Factory : DispatchProxy
    {
        private ScriptedGrains _grains = null!;

        internal static IGrainFactory Create(ScriptedGrains grains)
        {
            var factory = Create<IGrainFactory, Factory>();
            ((Factory)(object)factory)._grains = grains;
            return factory;
        }

        protected override object Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.ReturnType == typeof(IModelCatalogGrain) ? _grains
            : targetMethod.ReturnType == typeof(IInferenceWorkerGrain) ? new Worker(_grains)
            : new ModelGrain(_grains, ModelInstanceId.Parse((string)args![0]!));
    }
}
