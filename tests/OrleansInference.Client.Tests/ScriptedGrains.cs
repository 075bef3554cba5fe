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

    /// <summary>What a model grain streams, by its instance.</summary>
    public Func<ModelInstanceId, InferenceRequest, CancellationToken, IAsyncEnumerable<InferenceResponse>> OnInferStream { get; set; } =
        (_, _, _) => throw new NotSupportedException();

    /// <summary>What the worker makes of a request to an ensemble.</summary>
    public Func<InferenceRequest, CancellationToken, Task<InferenceRequest>> OnPreprocess { get; set; } = (request, _) => Task.FromResult(request);

    /// <summary>What the worker makes of an ensemble's answer.</summary>
    public Func<InferenceRequest, InferenceResponse, InferenceResponse> OnPostprocess { get; set; } = (_, response) => response;

    /// <summary>What a model grain says of calls that it is asked about: those that it does not have.</summary>
    public Func<ModelInstanceId, long[], Task<long[]>> OnFindLost { get; set; } = (_, _) => Task.FromResult(Array.Empty<long>());

    /// <summary>What a worker says of them.</summary>
    public Func<long[], Task<long[]>> OnFindLostByWorker { get; set; } = _ => Task.FromResult(Array.Empty<long>());

    /// <summary>Which silo the worker of a key is on; at first none says so.</summary>
    public Func<long, Task<string>> OnGetSilo { get; set; } = _ => Task.FromException<string>(new SiloUnavailableException("gone"));

    /// <summary>By the workers of which keys the instances' devices were asked so far.</summary>
    public List<(long Key, string Device)> Passed { get; } = [];

    /// <summary>The instances asked so far.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Whether calls fail as they do when there is no silo.</summary>
    public bool IsGone { get; set; }

    public void Publish(params ModelEntry[] models)
    {
        _snapshot = new(new("catalog", (_snapshot?.Revision.Number ?? 0) + 1), models);
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

    public async Task<CatalogSnapshot> WatchAsync(CatalogRevision? known, CancellationToken cancellationToken)
    {
        var changed = _changed;
        if (IsGone) throw new SiloUnavailableException("gone");
        if (_snapshot is null || _snapshot.Revision == known) await changed.Task.WaitAsync(cancellationToken);
        return IsGone ? throw new SiloUnavailableException("gone") : _snapshot!;
    }

    /// <summary>Publishes the model in another state, as the catalog does when it is asked to load or unload it.</summary>
    public Task<CatalogSnapshot> LoadAsync(string model, ModelOverride? content, CancellationToken cancellationToken) => ChangeAsync(model, ModelState.Ready);

    public Task<CatalogSnapshot> UnloadAsync(string model, bool withDependents, CancellationToken cancellationToken) => ChangeAsync(model, ModelState.Unavailable);

    private Task<CatalogSnapshot> ChangeAsync(string model, ModelState state)
    {
        if (IsGone) return Task.FromException<CatalogSnapshot>(new SiloUnavailableException("gone"));
        var devices = _snapshot!.Models.Single(entry => entry.Id.Name == model).Instances.Select(instance => instance.Id.Device);
        // The watch stays asleep: what the change returns must be enough.
        return Task.FromResult<CatalogSnapshot>(
            new(new("catalog", _snapshot.Revision.Number + 1), [Model(model, state: state, devices: [.. devices])]));
    }

    public Task ReportAsync(SiloReport report) => throw new NotSupportedException();

    /// <summary>What was asked of silos, as <c>drain a</c>.</summary>
    public List<string> SiloChanges { get; } = [];

    public Task<ClusterSnapshot> GetClusterAsync() =>
        IsGone ? throw new SiloUnavailableException("gone") : Task.FromResult(new ClusterSnapshot([new("a", SiloState.Active, [])]));

    /// <summary>How many more times a silo that is drained is said to hold something.</summary>
    public int StillHeld { get; set; }

    public Task DrainAsync(string silo, CancellationToken cancellationToken) => ChangeSilo($"drain {silo}");

    public async Task<bool> IsDrainedAsync(string silo)
    {
        await ChangeSilo($"is {silo} drained");
        return StillHeld-- <= 0;
    }

    public Task ResumeAsync(string silo, CancellationToken cancellationToken) => ChangeSilo($"resume {silo}");

    private Task ChangeSilo(string change)
    {
        SiloChanges.Add(change);
        return IsGone ? throw new SiloUnavailableException("gone") : Task.CompletedTask;
    }

    private Task<InferenceResponse> InferAsync(ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken)
    {
        lock (Asked) Asked.Add(instance.ToString());
        return OnInfer(instance, request, cancellationToken);
    }

    private IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken)
    {
        lock (Asked) Asked.Add(instance.ToString());
        return OnInferStream(instance, request, cancellationToken);
    }

    private sealed class ModelGrain(ScriptedGrains grains, ModelInstanceId instance) : IModelGrain
    {
        public Task LoadAsync() => throw new NotSupportedException();

        public Task UnloadAsync() => throw new NotSupportedException();

        public Task WithdrawAsync() => throw new NotSupportedException();

        public Task RestAsync() => throw new NotSupportedException();

        public ValueTask<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            new(grains.InferAsync(instance, request, cancellationToken));

        public IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            grains.InferStreamAsync(instance, request, cancellationToken);

        public ValueTask<long[]> FindLostAsync(long[] calls) => new(grains.OnFindLost(instance, calls));

        public Task<ModelStatistics> GetStatisticsAsync() =>
            grains.IsGone ? throw new SiloUnavailableException("gone") : Task.FromResult(new ModelStatistics { InferenceCount = 1 });
    }

    private sealed class Worker(ScriptedGrains grains, long key) : IInferenceWorkerGrain
    {
        public ValueTask<InferenceResponse> InferAsync(
            InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<InferenceRequest> PreprocessAsync(InferenceRequest request, ModelId model, CancellationToken cancellationToken) =>
            new(grains.OnPreprocess(request, cancellationToken));

        public ValueTask<InferenceResponse> PostprocessAsync(
            InferenceRequest request, InferenceResponse response, ModelId model, CancellationToken cancellationToken) =>
            new(grains.OnPostprocess(request, response));

        public ValueTask<string> GetSiloAsync() => new(grains.OnGetSilo(key));

        public async ValueTask<InferenceResponse> PassAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken)
        {
            lock (grains.Asked) grains.Passed.Add((key, instance.Device));
            return await GetSiloAsync() == ModelInstanceId.SiloOf(instance.Device)
                ? await grains.InferAsync(instance, request, cancellationToken)
                : throw new InferenceException(InferenceError.Unavailable, "elsewhere");
        }

        public ValueTask<long[]> FindLostAsync(long[] calls) => new(grains.OnFindLostByWorker(calls));
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
            : targetMethod.ReturnType == typeof(IInferenceWorkerGrain) ? new Worker(_grains, (long)args![0]!)
            : new ModelGrain(_grains, ModelInstanceId.Parse((string)args![0]!));
    }
}
