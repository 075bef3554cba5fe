using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using Orleans.Concurrency;

namespace OrleansInference.Grains.Models;

/// <summary>
/// Merges the silos' reports into one picture, has missing instances loaded, and wakes those who watch. What it knows is soft state,
/// and complete again one report of each silo after it has moved.
/// </summary>
[Reentrant] // Watchers wait inside it for seconds while reports come in.
[KeepAlive] // It is asked all the time; while it is away nobody sees changes.
internal sealed class ModelCatalogGrain(
    IGrainFactory grains, IHostApplicationLifetime silo, TimeProvider time, ILogger<ModelCatalogGrain> logger) : Grain, IModelCatalogGrain
{
    /// <summary>After so long without a report a silo is taken for gone.</summary>
    public static readonly TimeSpan ReportLifetime = 4 * SiloReporter.Interval;

    private static readonly TimeSpan WatchTime = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, (SiloReport Report, long Received)> _reports = [];
    private readonly HashSet<ModelInstanceId> _requested = [];
    private readonly string _incarnation = Guid.NewGuid().ToString("N");
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CatalogSnapshot _snapshot = new("", []);
    private int _revision;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(ForgetSilentSilos, SiloReporter.Interval, SiloReporter.Interval);
        return Task.CompletedTask;
    }

    public Task ReportAsync(SiloReport report)
    {
        _reports[report.Silo] = (report, time.GetTimestamp());
        foreach (var instance in report.Instances) _requested.Remove(instance.Id);
        Refresh();
        foreach (var instance in CatalogState.FindMissing(Reports))
        {
            if (_requested.Add(instance)) LoadAsync(instance).Ignore();
        }

        return Task.CompletedTask;
    }

    public async Task<CatalogSnapshot> WatchAsync(string? knownRevision, CancellationToken cancellationToken)
    {
        if (knownRevision != _snapshot.Revision) return _snapshot;
        // Calls that wait in a grain hold up its silo's shutdown.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silo.ApplicationStopping);
        try
        {
            await _changed.Task.WaitAsync(WatchTime, time, ended.Token);
        }
        catch (TimeoutException)
        {
            // Nothing changed; the watcher asks again, and so learns when this grain is gone.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InferenceException(InferenceError.Unavailable, "the catalog's silo is shutting down");
        }

        return _snapshot;
    }

    private List<SiloReport> Reports => [.. _reports.Values.Select(entry => entry.Report)];

    private async Task LoadAsync(ModelInstanceId instance)
    {
        try
        {
            await grains.GetModel(instance).LoadAsync();
        }
        catch (Exception exception)
        {
            Log.InstanceNotStarted(logger, exception, instance);
        }
        finally
        {
            // The silo's report tells from here on; where it does not have the instance, the next one asks for it again.
            _requested.Remove(instance);
        }
    }

    private Task ForgetSilentSilos()
    {
        foreach (var (silo, (_, received)) in _reports)
        {
            if (time.GetElapsedTime(received) <= ReportLifetime) continue;
            Log.SiloSilent(logger, silo, ReportLifetime.TotalSeconds);
            _reports.Remove(silo);
        }

        Refresh();
        return Task.CompletedTask;
    }

    /// <summary>Makes a new snapshot and wakes the watchers, where anything has changed.</summary>
    private void Refresh()
    {
        var models = CatalogState.Merge(Reports);
        if (_revision > 0 && SameStates(models, _snapshot.Models)) return;
        _snapshot = new($"{_incarnation}-{++_revision}", models);
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }

    private static bool SameStates(IReadOnlyList<ModelEntry> left, IReadOnlyList<ModelEntry> right) =>
        left.Count == right.Count && left.Zip(right).All(pair =>
            pair.First.Id == pair.Second.Id &&
            pair.First.State == pair.Second.State &&
            pair.First.Reason == pair.Second.Reason &&
            pair.First.Descriptor?.Configuration == pair.Second.Descriptor?.Configuration &&
            pair.First.Instances.ToHashSet().SetEquals(pair.Second.Instances));
}
