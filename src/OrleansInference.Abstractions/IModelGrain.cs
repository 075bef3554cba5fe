namespace OrleansInference;

/// <summary>
/// One loaded model version on one device; its key is a <see cref="ModelInstanceId"/>, and it lives on the silo that owns the device.
/// It serializes access to the model: callers interleave, their requests share batches, one forward pass runs at a time.
/// </summary>
[Alias("OrleansInference.IModelGrain")]
public interface IModelGrain : IGrainWithStringKey, ICallHolder
{
    /// <summary>
    /// Loads what the repository holds now, beside what is loaded already, which answers until the new one does. Returns when that is
    /// done and the catalog knows it.
    /// </summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with the reason; what was loaded before stays.</exception>
    [Alias("Load")]
    [ResponseTimeout(GrainTimeouts.Loading)]
    Task LoadAsync();

    /// <summary>
    /// Leaves the device until the next request, which loads the model again. Requests under way are answered first. Returns before that.
    /// </summary>
    [Alias("Rest")]
    Task RestAsync();

    /// <summary>Takes no more requests; when those under way are answered, the model leaves the device. Returns before that.</summary>
    [Alias("Unload")]
    Task UnloadAsync();

    /// <summary>The same, of a model that is to be on other devices; this one may be asked again later.</summary>
    [Alias("Withdraw")]
    Task WithdrawAsync();

    /// <summary>Runs the model on what callers send; an <see cref="IInferenceWorkerGrain"/> of the same silo does what is to be done before and after the network.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; a waiting request leaves the queue at once.</exception>
    [Alias("Infer")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    ValueTask<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a model that may answer more than once; its responses come as they are made.
    /// </summary>
    /// <inheritdoc cref="InferAsync"/>
    [Alias("InferStream")]
    IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>What this instance has done since it was loaded.</summary>
    [Alias("GetStatistics")]
    Task<ModelStatistics> GetStatisticsAsync();
}
