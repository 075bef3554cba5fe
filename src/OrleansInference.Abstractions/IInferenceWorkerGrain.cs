namespace OrleansInference;

/// <summary>
/// A stateless worker on the nearest silo: turns what callers send (a picture) into what the network takes, calls the
/// <see cref="IModelGrain"/>, and turns what comes out into what callers want (probabilities, labels).
/// </summary>
[Alias("OrleansInference.IInferenceWorkerGrain")]
public interface IInferenceWorkerGrain : IGrainWithIntegerKey
{
    /// <summary>Preprocesses, infers on the given instance, postprocesses.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    [Alias("Infer")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> InferAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken);
}
