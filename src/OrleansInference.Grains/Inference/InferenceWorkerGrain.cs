using Orleans.Concurrency;

using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Inference;

/// <summary>Preprocesses, calls the model, postprocesses.</summary>
[StatelessWorker]
[Reentrant] // A worker that waits for a batch must take further calls, or the number of workers would limit the batch.
internal sealed class InferenceWorkerGrain(IModelRepository repository, ModelInstances instances, ProcessingThrottle throttle)
    : Grain, IInferenceWorkerGrain
{
    public async Task<InferenceResponse> InferAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken)
    {
        // The repository may have changed since the instance was loaded; on another silo only the repository tells.
        var model = instances.FindLoaded(instance)
            ?? repository.Find(instance.Model)
            ?? throw new InferenceException(InferenceError.NotReady, $"the repository of this silo does not have {instance.Model}");
        var inputs = await throttle.RunAsync(() => Preprocessor.Run(model, request, cancellationToken), cancellationToken);
        var network = request with { Inputs = inputs, Outputs = [] };
        var response = await GrainFactory.GetModel(instance).InferAsync(network, cancellationToken);
        var outputs = Postprocessor.Run(model, response.Outputs);
        return response with { Outputs = ModelSignature.Select(request, outputs) };
    }
}
