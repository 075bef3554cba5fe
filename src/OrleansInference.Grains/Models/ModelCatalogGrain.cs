using System.Collections.Immutable;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using Orleans.Concurrency;
using Orleans.Storage;

using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Models;

/// <summary>
/// Merges the silos' reports into one picture, has instances loaded and unloaded until they are as they should be, and wakes those who
/// watch. What it knows of silos is soft state, complete again one report of each after it has moved; what was asked of it is kept.
/// </summary>
[Reentrant] // Watchers wait inside it for seconds while reports come in.
[KeepAlive] // It is asked all the time; while it is away nobody sees changes.
internal sealed class ModelCatalogGrain(
    [PersistentState("catalog", ModelCatalogGrain.StorageName)] IPersistentState<CatalogWishes> stored,
    IGrainFactory grains,
    IClusterMembershipService membership,
    IHostApplicationLifetime silo,
    TimeProvider time,
    ILogger<ModelCatalogGrain> logger) : Grain, IModelCatalogGrain
{
    /// <summary>The grain storage that a silo must have.</summary>
    public const string StorageName = "inference";

    /// <summary>After so long without a report a silo is taken for gone.</summary>
    public static readonly TimeSpan ReportLifetime = 4 * SiloReporter.Interval;

    /// <summary>How long it waits at most for the first report of each silo.</summary>
    private static readonly TimeSpan SettlingTime = 2 * SiloReporter.Interval;

    private static readonly TimeSpan WatchTime = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, (SiloReport Report, long Received)> _reports = [];
    private readonly Dictionary<(ModelInstanceId Instance, Change Change), long> _changing = [];
    private readonly SemaphoreSlim _writing = new(1);
    private readonly string _incarnation = Guid.NewGuid().ToString("N");
    private readonly Dictionary<ModelId, ReplicaScaler> _scalers = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyDictionary<ModelId, IReadOnlyList<string>> _placement = new Dictionary<ModelId, IReadOnlyList<string>>();
    private CatalogWishes _wishes = new();
    private long _began;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CatalogState _state = new([], new());
    private CatalogSnapshot _snapshot = new(new("", 0), []);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _began = time.GetTimestamp();
        _wishes = stored.State;
        this.RegisterGrainTimer(LookAround, SiloReporter.Interval, SiloReporter.Interval);
        FollowMembershipAsync().Ignore();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _ended.Cancel();
        return Task.CompletedTask;
    }

    public Task ReportAsync(SiloReport report)
    {
        _reports[report.Silo] = (report, time.GetTimestamp());
        ForgetLostSilos();
        Update();
        return Task.CompletedTask;
    }

    public async Task<ClusterSnapshot> GetClusterAsync()
    {
        await _settled.Task;
        return _state.Describe();
    }

    public Task DrainAsync(string silo, CancellationToken cancellationToken) => SetDrainingAsync(silo, true).WaitAsync(cancellationToken);

    public async Task<bool> IsDrainedAsync(string silo)
    {
        await _settled.Task;
        return !_reports.TryGetValue(silo, out var known) || !known.Report.IsDraining || _state.IsDrained(silo);
    }

    public Task ResumeAsync(string silo, CancellationToken cancellationToken) => SetDrainingAsync(silo, false).WaitAsync(cancellationToken);

    public async Task<CatalogSnapshot> LoadAsync(string model, ModelOverride? content, CancellationToken cancellationToken)
    {
        await _settled.Task.WaitAsync(cancellationToken);
        return await LoadAsync(model, content, [], cancellationToken);
    }

    /// <param name="model">The model.</param>
    /// <param name="content">What is loaded in place of what the folder holds.</param>
    /// <param name="loading">The ensembles for whose sake it is loaded.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async Task<CatalogSnapshot> LoadAsync(
        string model, ModelOverride? content, ImmutableHashSet<string> loading, CancellationToken cancellationToken)
    {
        var found = await RefreshRepositoriesAsync(model, content).WaitAsync(cancellationToken);
        if (found.Count == 0)
            throw new InferenceException(InferenceError.NotFound, $"failed to load '{model}', failed to poll from model repository: no repository has such a model");
        if (found.All(publication => publication.Reason.Length > 0))
        {
            throw content is null
                ? NotLoaded(model, found[0].Reason)
                : new InferenceException(InferenceError.InvalidArgument, $"failed to load '{model}': {found[0].Reason}");
        }

        await WishAsync(model, unloaded: false);
        var steps = found.SelectMany(publication => publication.Descriptor?.Ensemble?.Steps ?? []).Select(step => step.Model).ToList();
        if (steps.Count > 0) return await LoadStepsAsync(model, steps, loading.Add(model), cancellationToken);
        var wanted = _state.Places.Select(place => place.Id).Where(instance => instance.Model.Name == model).Distinct().ToList();
        if (wanted.Count == 0) throw NotLoaded(model, FindReason(model));
        try
        {
            await Task.WhenAll(wanted.Select(instance => grains.GetModel(instance).LoadAsync())).WaitAsync(cancellationToken);
        }
        catch (InferenceException exception)
        {
            throw NotLoaded(model, exception.Message, exception);
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException)
        {
            // What the runtime says is for the log: it names grains, messages and addresses.
            Log.SiloUnreachable(logger, exception, model);
            throw NotLoaded(model, "a silo does not answer", exception);
        }

        return _snapshot;
    }

    public async Task<CatalogSnapshot> UnloadAsync(string model, bool withDependents, CancellationToken cancellationToken)
    {
        await _settled.Task.WaitAsync(cancellationToken);
        if (!_snapshot.Models.Any(entry => entry.Id.Name == model))
            throw new InferenceException(InferenceError.NotFound, $"failed to unload '{model}': Request for unknown model: '{model}' is not found");
        var models = withDependents ? FindDependents(model) : [model];
        foreach (var name in models) await WishAsync(name, unloaded: true);
        var instances = _state.FindSurplus().Where(instance => models.Contains(instance.Model.Name));
        await Task.WhenAll(instances.Select(instance => ChangeAsync(instance, Change.Unload))).WaitAsync(cancellationToken);
        return _snapshot;
    }

    public async Task<CatalogSnapshot> WatchAsync(CatalogRevision? known, CancellationToken cancellationToken)
    {
        // Before all have reported there is nothing to tell.
        if (_snapshot.Revision.Number > 0 && known != _snapshot.Revision) return _snapshot;
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

    /// <summary>Loads what an ensemble consists of, as far as it is not ready. What cannot be loaded speaks for itself in its state.</summary>
    private async Task<CatalogSnapshot> LoadStepsAsync(
        string ensemble, IEnumerable<string> models, ImmutableHashSet<string> loading, CancellationToken cancellationToken)
    {
        foreach (var model in models.Distinct().Where(model => !loading.Contains(model) && !IsReady(model)))
        {
            try
            {
                await LoadAsync(model, null, loading, cancellationToken);
            }
            catch (InferenceException)
            {
                // It may be one that the ensemble can do without.
            }
        }

        return IsReady(ensemble) ? _snapshot : throw NotLoaded(ensemble, FindReason(ensemble));
    }

    /// <summary>A model and those that it consists of, if it is an ensemble, and those that they consist of.</summary>
    private HashSet<string> FindDependents(string model)
    {
        var found = new HashSet<string>();
        var pending = new Queue<string>([model]);
        while (pending.TryDequeue(out var name))
        {
            if (!found.Add(name)) continue;
            foreach (var step in _snapshot.Models.Where(entry => entry.Id.Name == name).SelectMany(entry => entry.Descriptor?.Ensemble?.Steps ?? []))
                pending.Enqueue(step.Model);
        }

        found.IntersectWith(_snapshot.Models.Select(entry => entry.Id.Name));
        return found;
    }

    private bool IsReady(string model) => _snapshot.Models.Any(entry => entry.Id.Name == model && entry.State == ModelState.Ready);

    private string FindReason(string model) => _snapshot.Models.First(entry => entry.Id.Name == model).Reason;

    private CatalogState Read() => new(
        [.. _reports.Values.Select(entry => entry.Report)],
        _wishes,
        _placement,
        _scalers.ToDictionary(pair => pair.Key, pair => pair.Value.Replicas));

    /// <summary>
    /// Whether all silos have reported that there are. Before that, what is not known would be taken for missing: shown to callers as not ready, and loaded once
    /// more elsewhere.
    /// </summary>
    private bool IsSettled()
    {
        if (_settled.Task.IsCompleted) return true;
        var addresses = _reports.Values.Select(entry => entry.Report.Address).ToHashSet();
        var members = membership.CurrentSnapshot.Members.Values;
        if (time.GetElapsedTime(_began) > SettlingTime || members.All(member => member.Status != SiloStatus.Active || addresses.Contains(member.SiloAddress)))
            _settled.SetResult();
        return _settled.Task.IsCompleted;
    }

    /// <summary>Shows what is known, and has changed what is not as it should be.</summary>
    /// <param name="observes">Whether it is time to look at how busy models are.</param>
    private void Update(bool observes = false)
    {
        if (!IsSettled()) return;
        Scale(observes);
        Refresh();
        _placement = _state.Placement;
        foreach (var instance in _state.FindMissing()) ChangeAsync(instance, Change.Load).Ignore();
        foreach (var instance in _state.FindSurplus()) ChangeAsync(instance, Change.Unload).Ignore();
    }

    /// <summary>Forgets a silo as soon as the cluster has given it up, instead of waiting for the reports that it does not send.</summary>
    private async Task FollowMembershipAsync()
    {
        try
        {
            await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(_ended.Token))
            {
                if (ForgetLostSilos()) Update();
            }
        }
        catch (OperationCanceledException)
        {
            // This grain is leaving.
        }
    }

    private bool ForgetLostSilos()
    {
        var members = membership.CurrentSnapshot.Members;
        var lost = _reports.Values
            .Where(entry => entry.Report.Address is { } address && members.TryGetValue(address, out var member) && member.Status == SiloStatus.Dead)
            .Select(entry => entry.Report.Silo)
            .ToList();
        foreach (var silo in lost)
        {
            Log.SiloLost(logger, silo);
            _reports.Remove(silo);
        }

        return lost.Count > 0;
    }

    private async Task SetDrainingAsync(string silo, bool isDraining)
    {
        await _settled.Task;
        if (!_reports.TryGetValue(silo, out var known) || known.Report.Devices.Count == 0)
            throw new InferenceException(InferenceError.NotFound, $"there is no silo '{silo}' with devices");
        try
        {
            await grains.GetRepository(known.Report.Devices[0]).SetDrainingAsync(isDraining);
            // It reports before it answers, but reports may be lost.
            if (!_reports.TryGetValue(silo, out known) || known.Report.IsDraining != isDraining) throw new TimeoutException("Its report has not come.");
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException)
        {
            Log.DrainFailed(logger, exception, silo);
            throw new InferenceException(InferenceError.Unavailable, $"silo '{silo}' does not answer", exception);
        }
    }

    /// <summary>What the silos' repositories hold of a model now; a silo that does not answer does not hold up the others.</summary>
    private async Task<IReadOnlyList<ModelPublication>> RefreshRepositoriesAsync(string model, ModelOverride? content)
    {
        var silos = _reports.Values.Select(entry => entry.Report).Where(report => report.Devices.Count > 0).ToList();
        if (silos.Count == 0) return [];
        // Silos may share the folder that an override is written to: the first one writes, and the others find it there.
        var first = content is null ? [] : await RefreshAsync(silos[0]);
        var found = await Task.WhenAll(silos.Skip(content is null ? 0 : 1).Select(RefreshAsync));
        return [.. first, .. found.SelectMany(publications => publications)];

        async Task<IReadOnlyList<ModelPublication>> RefreshAsync(SiloReport report)
        {
            try
            {
                return await grains.GetRepository(report.Devices[0]).RefreshAsync(model, content);
            }
            catch (Exception exception) when (exception is OrleansException or TimeoutException)
            {
                Log.RepositoryUnreachable(logger, exception, report.Silo, model);
                return [];
            }
        }
    }

    private async Task WishAsync(string model, bool unloaded)
    {
        // The storage keeps one write at a time apart from the next, and this grain's calls interleave.
        await _writing.WaitAsync();
        try
        {
            if (_wishes.Unloaded.Contains(model) == unloaded && _wishes.Loaded.Contains(model) != unloaded) return;
            stored.State = _wishes.With(model, unloaded);
            await stored.WriteStateAsync();
            // Not before it is kept: what cannot be is not done either.
            _wishes = stored.State;
        }
        catch (Exception exception) when (exception is not InconsistentStateException)
        {
            // One that has been overtaken, a catalog that this cluster has lost sight of, is made to begin anew by the runtime.
            Log.WishNotStored(logger, exception, model);
            throw new InferenceException(InferenceError.Unavailable, $"what is asked of '{model}' cannot be kept: the cluster's storage does not answer");
        }
        finally
        {
            _writing.Release();
            if (IsSettled()) Refresh();
        }
    }

    /// <summary>
    /// Asks for a change that is not under way yet. The silo's report tells what came of it; where the silo could not be reached, its next
    /// report has it tried again. So does one that shows nothing of an instance that is to be loaded, after a time: the call may be lost, and its answer
    /// with it.
    /// </summary>
    private async Task ChangeAsync(ModelInstanceId instance, Change change)
    {
        if (_changing.TryGetValue((instance, change), out var since) && (_state.Has(instance) || time.GetElapsedTime(since) < ReportLifetime)) return;
        var began = time.GetTimestamp();
        _changing[(instance, change)] = began;
        try
        {
            var grain = grains.GetModel(instance);
            await (change switch
            {
                Change.Load => grain.LoadAsync(),
                Change.Rest => grain.RestAsync(),
                // What was not asked to go may be asked for again.
                _ => _wishes.Unloaded.Contains(instance.Model.Name) ? grain.UnloadAsync() : grain.WithdrawAsync(),
            });
        }
        catch (InferenceException)
        {
            // The instance says in its status why it is not loaded.
        }
        catch (Exception exception)
        {
            Log.InstanceUnreachable(logger, exception, instance);
        }
        finally
        {
            if (_changing.TryGetValue((instance, change), out since) && since == began) _changing.Remove((instance, change));
        }
    }

    private Task LookAround()
    {
        foreach (var (silo, (_, received)) in _reports)
        {
            if (time.GetElapsedTime(received) <= ReportLifetime) continue;
            Log.SiloSilent(logger, silo, ReportLifetime.TotalSeconds);
            _reports.Remove(silo);
        }

        Update(observes: true);
        foreach (var instance in _scalers.Values.SelectMany(scaler => scaler.Resting)) ChangeAsync(instance, Change.Rest).Ignore();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Has the number of replicas follow the load, where models ask for that. A scaler begins with what is there, since this catalog may have moved, or
    /// with what the version before had.
    /// </summary>
    private void Scale(bool observes)
    {
        var devices = _reports.Values.Sum(entry => entry.Report.Devices.Count);
        var scaled = new Dictionary<ModelId, Autoscaling>();
        foreach (var publication in _reports.Values.SelectMany(entry => entry.Report.Models))
        {
            if (publication.Descriptor?.Autoscaling is not { } limits || scaled.ContainsKey(publication.Id)) continue;
            // Replicas for which there are no devices would be counted up for ever, and down for as long.
            scaled[publication.Id] = limits with { MaxReplicas = Math.Max(Math.Min(limits.MaxReplicas, devices), limits.MinReplicas) };
        }

        foreach (var (model, limits) in scaled)
        {
            if (_scalers.ContainsKey(model)) continue;
            var before = _scalers.Where(pair => pair.Key.Name == model.Name).Select(pair => pair.Value.Replicas).DefaultIfEmpty(0).Max();
            _scalers[model] = new(limits, Math.Max(CountReplicas(model), before));
        }

        foreach (var model in _scalers.Keys.Where(model => !scaled.ContainsKey(model)).ToList()) _scalers.Remove(model);
        if (!observes) return;
        var loads = _reports.Values.SelectMany(entry => entry.Report.Loads).ToLookup(load => load.Id.Model);
        foreach (var (model, limits) in scaled) _scalers[model].Observe(limits, [.. loads[model]], time.GetElapsedTime(_began));
    }

    /// <summary>How many replicas a model has: a catalog that has moved goes on with these.</summary>
    private int CountReplicas(ModelId model) => _reports.Values
        .SelectMany(entry => entry.Report.Instances)
        .Count(instance => instance.Id.Model == model && instance.State is ModelState.Ready or ModelState.Loading);

    /// <summary>Makes a new snapshot and wakes the watchers, where anything has changed.</summary>
    private void Refresh()
    {
        _state = Read();
        var models = _state.Merge();
        if (_snapshot.Revision.Number > 0 && SameStates(models, _snapshot.Models)) return;
        _snapshot = new(new(_incarnation, _snapshot.Revision.Number + 1), models);
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }

    private static InferenceException NotLoaded(string model, string reason, Exception? cause = null) =>
        new(InferenceError.NotReady, $"failed to load '{model}': {reason}", cause);

    private static bool SameStates(IReadOnlyList<ModelEntry> left, IReadOnlyList<ModelEntry> right) =>
        left.Count == right.Count && left.Zip(right).All(pair =>
            pair.First.Id == pair.Second.Id &&
            pair.First.State == pair.Second.State &&
            pair.First.Reason == pair.Second.Reason &&
            pair.First.Descriptor?.Configuration == pair.Second.Descriptor?.Configuration &&
            pair.First.Instances.ToHashSet().SetEquals(pair.Second.Instances));

    private enum Change
    {
        Load,
        Unload,
        Rest,
    }
}
