namespace OrleansInference;

/// <summary>
/// The one place that knows which models exist, on which devices and in what state (key 0). Silos report to it; it has instances loaded
/// where they are wanted and unloaded where they are not; clients watch it.
/// </summary>
[Alias("OrleansInference.IModelCatalogGrain")]
public interface IModelCatalogGrain : IGrainWithIntegerKey
{
    /// <summary>Takes in a silo's report. Silos report on every change and every few seconds; one that falls silent is forgotten.</summary>
    [Alias("Report")]
    Task ReportAsync(SiloReport report);

    /// <summary>Returns a snapshot as soon as there is another than the one known, or after some seconds the same one again.</summary>
    /// <param name="known">The revision that the caller has; null to be answered at once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("Watch")]
    Task<CatalogSnapshot> WatchAsync(CatalogRevision? known, CancellationToken cancellationToken);

    /// <summary>
    /// Has every silo read a model's folder again and load what it holds, beside what is loaded already. Returns the catalog as it is
    /// when that is done.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="content">What is loaded in place of what the folder holds; null for the folder itself.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: no repository has the model; <see cref="InferenceError.NotReady"/>: it cannot be loaded,
    /// with the reason; <see cref="InferenceError.InvalidArgument"/>: so is the content. What was loaded before stays.
    /// </exception>
    [Alias("Load")]
    [ResponseTimeout(GrainTimeouts.Loading)]
    Task<CatalogSnapshot> LoadAsync(string model, ModelOverride? content, CancellationToken cancellationToken);

    /// <summary>
    /// Has every silo unload a model; requests under way are finished. It stays unloaded until it is loaded again. Returns the catalog
    /// as it is when no instance takes requests any more.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="withDependents">Whether the models that an ensemble consists of are unloaded too.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotFound"/>: there is no such model.</exception>
    [Alias("Unload")]
    Task<CatalogSnapshot> UnloadAsync(string model, bool withDependents, CancellationToken cancellationToken);

    /// <summary>The silos that report, with what is on their devices.</summary>
    [Alias("GetCluster")]
    Task<ClusterSnapshot> GetClusterAsync();

    /// <summary>
    /// Has what a silo holds loaded elsewhere, as far as there is room, and then unloaded there. The silo takes no models until it is resumed or
    /// restarted. Returns when that has begun; <see cref="IsDrainedAsync"/> tells when it is done.
    /// </summary>
    /// <param name="silo">The silo's name.</param>
    /// <param name="cancellationToken">Ends the call, not the draining.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: there is no such silo; <see cref="InferenceError.Unavailable"/>: it does not answer.
    /// </exception>
    [Alias("Drain")]
    Task DrainAsync(string silo, CancellationToken cancellationToken);

    /// <summary>Whether a silo that is drained holds nothing any more that could be elsewhere, is gone, or has been resumed.</summary>
    [Alias("IsDrained")]
    Task<bool> IsDrainedAsync(string silo);

    /// <summary>Lets a silo take models again that has been drained.</summary>
    /// <param name="silo">The silo's name.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotFound"/>: there is no such silo; <see cref="InferenceError.Unavailable"/>: it does not answer.
    /// </exception>
    [Alias("Resume")]
    Task ResumeAsync(string silo, CancellationToken cancellationToken);
}
