namespace OrleansInference;

/// <summary>
/// One loaded model version on one device; its key is a <see cref="ModelInstanceId"/>, and it lives on the silo that owns the device.
/// It serializes access to the model: callers interleave, their requests share batches, one forward pass runs at a time.
/// </summary>
[Alias("OrleansInference.IModelGrain")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>Starts loading where that has not begun, and returns without waiting for it.</summary>
    [Alias("Load")]
    Task LoadAsync();

    /// <summary>Runs the model on tensors that are its network's own inputs.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; a waiting request leaves the queue at once.</exception>
    [Alias("Infer")]
    [ResponseTimeout(GrainTimeouts.Inference)]
    Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>What this instance has done since it was loaded.</summary>
    [Alias("GetStatistics")]
    Task<ModelStatistics> GetStatisticsAsync();
}
