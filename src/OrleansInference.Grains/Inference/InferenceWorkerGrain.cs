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
        var model = instances.FindLoaded(instance)
            ?? repository.Find(instance.Model)
            ?? throw new InferenceException(InferenceError.NotReady, $"the repository of this silo does not have {instance.Model}");
        var network = await processor.PreprocessAsync(model, request, cancellationToken);
        return RequestProcessor.Postprocess(model, request, await GrainFactory.GetModel(instance).InferAsync(network, cancellationToken));
    }
}
