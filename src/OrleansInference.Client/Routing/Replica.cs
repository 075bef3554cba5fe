namespace OrleansInference.Client.Routing;

/// <summary>An instance that may be asked, with what a call needs, so that none has to look it up.</summary>
/// <param name="id">The instance.</param>
/// <param name="grain">Its grain.</param>
/// <param name="work">What is outstanding on its device.</param>
/// <param name="isLocal">Whether its device is this process's own.</param>
internal sealed class Replica(ModelInstanceId id, IModelGrain grain, OutstandingWork work, bool isLocal = false)
{
    /// <summary>How much the latest measurement counts: after ten of them little is left of what was before.</summary>
    private const double Weight = 0.2;

    private double _rowsPerSecond;

    public ModelInstanceId Id => id;

    public IModelGrain Grain => grain;

    public OutstandingWork Work => work;

    public bool IsLocal => isLocal;

    /// <summary>How fast it has answered parts of batches lately, waiting included; 0 where it has answered none.</summary>
    public double RowsPerSecond => Volatile.Read(ref _rowsPerSecond);

    public void RecordSpeed(int rows, TimeSpan elapsed)
    {
        var now = rows / Math.Max(elapsed.TotalSeconds, 1e-6);
        var before = RowsPerSecond;
        // Of two measurements at once one may be lost: they are estimates.
        Volatile.Write(ref _rowsPerSecond, before == 0 ? now : before + Weight * (now - before));
    }
}
