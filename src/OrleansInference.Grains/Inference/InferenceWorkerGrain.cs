using Orleans.Concurrency;

using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Inference;

/// <summary>Preprocesses, calls the model, postprocesses.</summary>
[StatelessWorker]
[Reentrant] // A worker that waits for a batch must take further calls, or the number of workers would limit the batch.
internal sealed class InferenceWorkerGrain(IModelRepository repository, ModelInstances instances, RequestProcessor processor)
    : Grain, IInferenceWorkerGrain
{
    public async ValueTask<InferenceResponse> InferAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken)
    {
        // The repository may have changed since the instance was loaded; of an instance on another silo only the repository tells.
        var model = instances.FindLoaded(instance) ?? Find(instance.Model);
        var network = await processor.PreprocessAsync(model, request, cancellationToken);
        var response = await GrainFactory.GetModel(instance).InferAsync(network, cancellationToken);
        return await processor.PostprocessAsync(model, request, response, cancellationToken);
    }

    public ValueTask<InferenceRequest> PreprocessAsync(InferenceRequest request, ModelId model, CancellationToken cancellationToken) =>
        processor.PreprocessAsync(Find(model), request, cancellationToken);

    public ValueTask<InferenceResponse> PostprocessAsync(
        InferenceRequest request, InferenceResponse response, ModelId model, CancellationToken cancellationToken) =>
        processor.PostprocessAsync(Find(model), request, response, cancellationToken);

    private ModelVersion Find(ModelId model) => repository.Find(model)
        ?? throw new InferenceException(InferenceError.NotReady, $"the repository of this silo does not have {model}");
}
