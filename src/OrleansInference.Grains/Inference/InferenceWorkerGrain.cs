using Orleans.Concurrency;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Inference;

/// <summary>Preprocesses, runs the model, postprocesses.</summary>
[StatelessWorker(1)] // Of several workers of a key the runtime would have any cancel a call, and not the one that has it.
[Reentrant] // A worker that waits for a batch must take further calls, or the number of workers would limit the batch.
internal sealed class InferenceWorkerGrain(
    IModelRepository repository, ModelInstances instances, RequestProcessor processor, CallsUnderWay calls, EngineOptions options) : Grain, IInferenceWorkerGrain
{
    public async ValueTask<InferenceResponse> InferAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken)
    {
        var (version, model) = instances.FindServing(instance)
            ?? throw new InferenceException(InferenceError.NotReady, $"{instance} is not loaded any more");
        var network = await processor.PreprocessAsync(version, request, cancellationToken);
        var response = await model.InferAsync(network, cancellationToken);
        return await processor.PostprocessAsync(version, request, response, cancellationToken);
    }

    public ValueTask<string> GetSiloAsync() => new(options.SiloName);

    public ValueTask<InferenceResponse> PassAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken) =>
        ModelInstanceId.SiloOf(instance.Device) == options.SiloName
            ? GrainFactory.GetModel(instance).InferAsync(request, cancellationToken)
            : throw new InferenceException(InferenceError.Unavailable, $"{instance} is not on silo '{options.SiloName}'");

    public async ValueTask<InferenceRequest> PreprocessAsync(InferenceRequest request, ModelId model, CancellationToken cancellationToken)
    {
        using var noted = calls.Note(request.CallId);
        return await processor.PreprocessAsync(Find(model), request, cancellationToken);
    }

    public async ValueTask<InferenceResponse> PostprocessAsync(
        InferenceRequest request, InferenceResponse response, ModelId model, CancellationToken cancellationToken)
    {
        using var noted = calls.Note(request.CallId);
        return await processor.PostprocessAsync(Find(model), request, response, cancellationToken);
    }

    public ValueTask<long[]> FindLostAsync(long[] asked) => new(calls.FindUnknown(asked));

    private ModelVersion Find(ModelId model) => repository.Find(model)
        ?? throw new InferenceException(InferenceError.NotReady, $"the repository of this silo does not have {model}");
}
