namespace OrleansInference;

/// <summary>
/// The one place that knows which models exist, on which devices and in what state (key 0). Silos report to it; it has instances loaded
/// where they are wanted; clients watch it.
/// </summary>
[Alias("OrleansInference.IModelCatalogGrain")]
public interface IModelCatalogGrain : IGrainWithIntegerKey
{
    /// <summary>Takes in a silo's report. Silos report on every change and every few seconds; one that falls silent is forgotten.</summary>
    [Alias("Report")]
    Task ReportAsync(SiloReport report);

    /// <summary>Returns a snapshot as soon as there is another than the one known, or after some seconds the same one again.</summary>
    /// <param name="knownRevision">The revision that the caller has; null to be answered at once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("Watch")]
    Task<CatalogSnapshot> WatchAsync(string? knownRevision, CancellationToken cancellationToken);
}
