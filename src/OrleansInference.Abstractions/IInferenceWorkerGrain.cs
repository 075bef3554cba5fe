namespace OrleansInference;

/// <summary>
/// A stateless worker on the caller's silo: turns what callers send (a picture) into what the network takes, runs the model beside it, and
/// turns what comes out into what callers want (probabilities, labels).
/// </summary>
[Alias("OrleansInference.IInferenceWorkerGrain")]
public interface IInferenceWorkerGrain : IGrainWithIntegerKey, ICallHolder
{
    /// <summary>Preprocesses, infers on an instance of this silo, postprocesses. Its <see cref="IModelGrain"/> asks for it.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    [Alias("Infer")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> InferAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken);

    /// <summary>Names its silo, which of a client's worker is the one at the other end of the key's connection.</summary>
    [Alias("GetSilo")]
    [ResponseTimeout(GrainTimeouts.Inquiry)]
    ValueTask<string> GetSiloAsync();

    /// <summary>Hands a request to a model's grain on its silo, for a client that has chosen the connection to that one.</summary>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.Unavailable"/>: the grain is on another silo than this worker, whose connection leads elsewhere by now. Any of the other codes.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    [Alias("Pass")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> PassAsync(InferenceRequest request, ModelInstanceId instance, CancellationToken cancellationToken);

    /// <summary>Only preprocesses, as a model without a network of its own needs it.</summary>
    /// <returns>The request with what preprocessing makes of its inputs; it asks for all outputs.</returns>
    /// <inheritdoc cref="InferAsync"/>
    [Alias("Preprocess")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceRequest> PreprocessAsync(InferenceRequest request, ModelId model, CancellationToken cancellationToken);

    /// <summary>Only postprocesses; of the request this takes which outputs it asks for, and no inputs.</summary>
    /// <returns>The response with the outputs that the request asked for.</returns>
    /// <inheritdoc cref="InferAsync"/>
    [Alias("Postprocess")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> PostprocessAsync(
        InferenceRequest request, InferenceResponse response, ModelId model, CancellationToken cancellationToken);
}
