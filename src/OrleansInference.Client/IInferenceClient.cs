namespace OrleansInference.Client;

/// <summary>Inference on a cluster, from any .NET program that is an Orleans client or a silo. Safe for concurrent use.</summary>
public interface IInferenceClient
{
    /// <summary>
    /// Sends a request to a device that has the model, and to others where one is lost or refuses it. Waiting and running are bounded by the
    /// request's deadline.
    /// </summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; a request that waits leaves its queue.</exception>
    Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Sends a request to a model that may answer more than once, and gives its responses as they come; the last one is marked by
    /// <see cref="InferenceResponse.IsFinal"/>. A model that answers once gives one. Where the device is lost before the first response,
    /// another one is asked. The deadline covers the whole stream.
    /// </summary>
    /// <inheritdoc cref="InferAsync"/>
    IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken = default);

    /// <summary>All model versions of the cluster, broken ones too.</summary>
    Task<IReadOnlyList<ModelEntry>> GetModelsAsync(CancellationToken cancellationToken = default);

    /// <summary>One model version, in whatever state.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version; null for the highest one that is ready, or the highest one where none is.</param>
    /// <param name="cancellationToken">Ends the wait for the cluster's first answer.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>: there is no such model or version.</exception>
    ValueTask<ModelEntry> GetModelAsync(string model, int? version = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// The description of a model version that answers, or will in a moment: one that is being loaded elsewhere since its devices are lost, for which requests
    /// wait.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version; null for the highest that is ready.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: there is no such model or version; <see cref="InferenceError.NotReady"/> with the reason.
    /// </exception>
    ValueTask<ModelDescriptor> GetDescriptorAsync(string model, int? version = null, CancellationToken cancellationToken = default);

    /// <summary>What model versions have done, each summed over its devices.</summary>
    /// <param name="model">The model's name; null for all models that are ready.</param>
    /// <param name="version">The version; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>: there is no such model or version.</exception>
    Task<IReadOnlyList<(ModelId Model, ModelStatistics Statistics)>> GetStatisticsAsync(
        string? model = null, int? version = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Has every silo read a model's folder again and load what is in it. What is loaded already answers until then. Returns when the
    /// model is ready, and requests of this client find it.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="content">A configuration, and files, to be loaded in place of the folder's, until the model is loaded without; null for the folder's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: no repository has the model; <see cref="InferenceError.NotReady"/>: it cannot be loaded,
    /// with the reason; <see cref="InferenceError.InvalidArgument"/>: the content cannot. What was loaded before stays.
    /// </exception>
    Task LoadModelAsync(string model, ModelOverride? content = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Has every silo unload a model, which stays unloaded until it is loaded again. Requests under way are finished; later ones are
    /// refused.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="withDependents">Whether the models that an ensemble consists of are unloaded too.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>: there is no such model.</exception>
    Task UnloadModelAsync(string model, bool withDependents = false, CancellationToken cancellationToken = default);

    /// <summary>The silos of the cluster, their devices, and what is on them.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: the cluster does not answer.</exception>
    Task<ClusterSnapshot> GetClusterAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Has what a silo holds loaded elsewhere, as far as there is room, and returns when it holds nothing any more that could be elsewhere. No request is
    /// lost. The silo takes no models until <see cref="ResumeSiloAsync"/>, or until it is started again.
    /// </summary>
    /// <param name="silo">The silo's name.</param>
    /// <param name="cancellationToken">Ends the wait, not the draining.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: there is no such silo; <see cref="InferenceError.Unavailable"/>: it does not answer.
    /// </exception>
    Task DrainSiloAsync(string silo, CancellationToken cancellationToken = default);

    /// <summary>Lets a silo take models again that has been drained.</summary>
    /// <inheritdoc cref="DrainSiloAsync"/>
    Task ResumeSiloAsync(string silo, CancellationToken cancellationToken = default);

    /// <summary>Whether the cluster has answered and no model is still being loaded. Never waits.</summary>
    bool IsReady { get; }
}
