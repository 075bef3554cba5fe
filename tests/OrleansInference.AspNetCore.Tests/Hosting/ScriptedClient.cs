using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

using OrleansInference.Client;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>Records what it is asked; answers as the test says, or else with the inputs, renamed to outputs.</summary>
internal sealed class ScriptedClient : IInferenceClient
{
    public ConcurrentQueue<InferenceRequest> Requests { get; } = [];

    public List<ModelEntry> Models { get; } = Hosting.Models.All();

    public Dictionary<string, IReadOnlyList<(ModelId Model, ModelStatistics Statistics)>> Statistics { get; } = [];

    public Func<InferenceRequest, CancellationToken, Task<InferenceResponse>> Answer { get; set; } = (request, _) =>
        Task.FromResult(Respond(request, [.. request.Inputs.Select((input, index) => input.Rename($"OUTPUT{index}"))]));

    public bool IsReady { get; set; } = true;

    public InferenceRequest TheRequest => Assert.Single(Requests);

    public InferenceTensor TheInput => Assert.Single(TheRequest.Inputs);

    public void Answers(params InferenceTensor[] outputs) => Answer = (request, _) => Task.FromResult(Respond(request, outputs));

    public void Fails(Exception exception) => Answer = (_, _) => Task.FromException<InferenceResponse>(exception);

    /// <summary>What was to be loaded and unloaded, as <c>load m</c>.</summary>
    public ConcurrentQueue<string> Changes { get; } = [];

    /// <summary>What the models were to be loaded with.</summary>
    public ConcurrentQueue<ModelOverride?> Overrides { get; } = [];

    public Func<string, Task> OnChange { get; set; } = _ => Task.CompletedTask;

    public Task LoadModelAsync(string model, ModelOverride? content = null, CancellationToken cancellationToken = default)
    {
        Overrides.Enqueue(content);
        return ChangeAsync($"load {model}");
    }

    public Task UnloadModelAsync(string model, bool withDependents = false, CancellationToken cancellationToken = default) =>
        ChangeAsync(withDependents ? $"unload {model} with dependents" : $"unload {model}");

    public ClusterSnapshot Cluster { get; set; } = new([]);

    public Task<ClusterSnapshot> GetClusterAsync(CancellationToken cancellationToken = default) => Task.FromResult(Cluster);

    public Task DrainSiloAsync(string silo, CancellationToken cancellationToken = default) => ChangeAsync($"drain {silo}");

    public Task ResumeSiloAsync(string silo, CancellationToken cancellationToken = default) => ChangeAsync($"resume {silo}");

    private Task ChangeAsync(string change)
    {
        Changes.Enqueue(change);
        return OnChange(change);
    }

    public Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken = default)
    {
        Requests.Enqueue(request);
        return Answer(request, cancellationToken);
    }

    /// <summary>The responses to a request; one, that of <see cref="Answer"/>, unless the test says otherwise.</summary>
    public Func<InferenceRequest, CancellationToken, IAsyncEnumerable<InferenceResponse>>? Stream { get; set; }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Stream is null)
        {
            yield return await InferAsync(request, cancellationToken);
            yield break;
        }

        Requests.Enqueue(request);
        await foreach (var response in Stream(request, cancellationToken)) yield return response;
    }

    public Task<IReadOnlyList<ModelEntry>> GetModelsAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<ModelEntry>>(Models);

    public async ValueTask<ModelDescriptor> GetDescriptorAsync(string model, int? version = null, CancellationToken cancellationToken = default) =>
        (await GetModelAsync(model, version, cancellationToken)).GetReadyDescriptor();

    public ValueTask<ModelEntry> GetModelAsync(string model, int? version = null, CancellationToken cancellationToken = default)
    {
        var found = Models.Where(entry => entry.Id.Name == model && (version is null || entry.Id.Version == version))
            .OrderByDescending(entry => entry.State == ModelState.Ready).ThenByDescending(entry => entry.Id.Version).FirstOrDefault();
        return found is null
            ? ValueTask.FromException<ModelEntry>(new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' version {version} is not found"))
            : ValueTask.FromResult(found);
    }

    public Task<IReadOnlyList<(ModelId Model, ModelStatistics Statistics)>> GetStatisticsAsync(
        string? model = null, int? version = null, CancellationToken cancellationToken = default) =>
        model is null ? Task.FromResult<IReadOnlyList<(ModelId, ModelStatistics)>>([.. Statistics.Values.SelectMany(all => all)])
        : Statistics.TryGetValue(model, out var statistics)
            ? Task.FromResult<IReadOnlyList<(ModelId, ModelStatistics)>>(
                [.. statistics.Where(pair => version is null || pair.Model.Version == version)])
            : Task.FromException<IReadOnlyList<(ModelId, ModelStatistics)>>(
                new InferenceException(InferenceError.NotFound, $"Request for unknown model: '{model}' is not found"));

    private static InferenceResponse Respond(InferenceRequest request, InferenceTensor[] outputs) =>
        new() { Model = new(request.Model, request.Version ?? 1), Outputs = outputs };
}
