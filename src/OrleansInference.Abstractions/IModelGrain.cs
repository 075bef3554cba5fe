namespace OrleansInference;

/// <summary>
/// One loaded model version on one device; its key is a <see cref="ModelInstanceId"/>, and it lives on the silo that owns the device.
/// It serializes access to the model: callers interleave, their requests share batches, one forward pass runs at a time.
/// </summary>
[Alias("OrleansInference.IModelGrain")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>
    /// Loads what the repository holds now, beside what is loaded already, which answers until the new one does. Returns when that is
    /// done and the catalog knows it.
    /// </summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with the reason; what was loaded before stays.</exception>
    [Alias("Load")]
    [ResponseTimeout(GrainTimeouts.Loading)]
    Task LoadAsync();

    /// <summary>Takes no more requests; when those under way are answered, the model leaves the device. Returns before that.</summary>
    [Alias("Unload")]
    Task UnloadAsync();

    /// <summary>Runs the model on tensors that are its network's own inputs.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; a waiting request leaves the queue at once.</exception>
    [Alias("Infer")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a model that may answer more than once, on the inputs that callers send; its responses come as they are made. No
    /// <see cref="IInferenceWorkerGrain"/> stands before it: the calls of a stream must all reach the same grain.
    /// </summary>
    /// <inheritdoc cref="InferAsync"/>
    [Alias("InferStream")]
    IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>What this instance has done since it was loaded.</summary>
    [Alias("GetStatistics")]
    Task<ModelStatistics> GetStatisticsAsync();
}
