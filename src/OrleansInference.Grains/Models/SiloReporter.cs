using Microsoft.Extensions.Logging;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Models;

/// <summary>
/// Tells the catalog what this silo has: on every change, every few seconds, when silos come and go, since the catalog may have been on one of them, and for the last
/// time before the silo stops, so that clients turn to other devices before this one's are gone.
/// </summary>
internal sealed class SiloReporter(
    IGrainFactory grains,
    ILocalSiloDetails silo,
    IClusterMembershipService membership,
    IInferenceEngine engine,
    IModelRepository repository,
    ModelInstances instances,
    LiveStreams streams,
    EngineOptions options,
    TimeProvider time,
    ILogger<SiloReporter> logger) : ILifecycleParticipant<ISiloLifecycle>
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>How long a silo that stops takes for its farewell, before the host ends its patience with it.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(40);

    /// <summary>How much of that it waits for others to load what it has; its streams get the rest.</summary>
    private static readonly TimeSpan MoveLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan MovePause = TimeSpan.FromMilliseconds(250);

    /// <summary>After a report that did not arrive, the next one comes sooner: the catalog is moving.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _reporting = new(1);
    private readonly Lock _gate = new();
    private Task _loop = Task.CompletedTask;
    private Task? _next;
    private TaskCompletionSource _membersChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasFailed;

    /// <summary>Whether what this silo has is to be loaded elsewhere.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Begins when the silo takes calls, and is the first thing to end when it stops.</summary>
    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe(nameof(SiloReporter), ServiceLifecycleStage.Last, Start, StopAsync);

    private Task Start(CancellationToken cancellationToken)
    {
        _loop = Task.WhenAll(ReportOnChangeAsync(), FollowMembershipAsync());
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await MoveModelsAsync();
        await _stopping.CancelAsync();
        // Each of them takes two reports at most, one of which is being sent already.
        await _loop;
        await ReportAsync();
        await streams.DrainAsync(StopLimit - time.GetElapsedTime(began), time);
        _stopping.Dispose();
    }

    /// <summary>Has others load what this silo has, while it goes on answering.</summary>
    private async Task MoveModelsAsync()
    {
        IsDraining = true;
        using var limit = new CancellationTokenSource(MoveLimit, time);
        try
        {
            var catalog = grains.GetCatalog();
            await catalog.DrainAsync(options.SiloName, limit.Token).WaitAsync(limit.Token);
            while (!await catalog.IsDrainedAsync(options.SiloName).WaitAsync(limit.Token)) await Task.Delay(MovePause, time, limit.Token);
        }
        catch (InferenceException exception) when (exception.Error == InferenceError.NotFound)
        {
            // The catalog does not know of this silo, so that nobody asks it for anything.
        }
        catch (Exception exception)
        {
            Log.NotDrained(logger, exception);
        }
    }

    /// <summary>
    /// Reports now, and returns when the catalog has taken it in or could not be reached. All who ask while a report is being sent share
    /// the next one: each tells everything, and a thousand models that are loaded at once would else be told a thousand times.
    /// </summary>
    public Task ReportAsync()
    {
        // It belongs to no caller's turn, since others wait for it too.
        lock (_gate) return _next ??= Task.Run(SendAsync);
    }

    private async Task ReportOnChangeAsync()
    {
        Task changed = Task.CompletedTask;
        while (!_stopping.IsCancellationRequested)
        {
            // One that has not ended is kept: what waits for either would else gather at the one that does not change.
            if (changed.IsCompleted) changed = Task.WhenAny(instances.Changed, repository.Changed, Volatile.Read(ref _membersChanged).Task);
            await ReportAsync();
            // After a while without a change it reports all the same: silence would be taken for death.
            var interval = _hasFailed ? RetryInterval : Interval;
            await changed.WaitAsync(interval, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowMembershipAsync()
    {
        try
        {
            await foreach (var members in membership.MembershipUpdates.WithCancellation(_stopping.Token))
                Interlocked.Exchange(ref _membersChanged, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
    }

    /// <summary>Reports one at a time and reads what it reports in its turn, so that no report overtakes a later one.</summary>
    private async Task SendAsync()
    {
        await _reporting.WaitAsync();
        try
        {
            var report = ReadNext();
            await grains.GetCatalog().ReportAsync(report).WaitAsync(Interval, time);
            _hasFailed = false;
        }
        catch (Exception exception)
        {
            _hasFailed = true;
            Log.ReportFailed(logger, exception);
        }
        finally
        {
            _reporting.Release();
        }
    }

    private SiloReport ReadNext()
    {
        // What is asked for from here on may not be in it.
        lock (_gate) _next = null;
        return _stopping.IsCancellationRequested ? ReadLast() : Read();
    }

    private SiloReport Read()
    {
        var all = instances.All;
        var used = all.ToLookup(instance => instance.Id.Device, instance => instance.MemoryBytes);
        return new()
        {
            Silo = options.SiloName,
            Devices = [.. engine.Devices.Select(device => device.Name)],
            Models = repository.Publications,
            Instances = all,
            Loaded = instances.Loaded,
            LoadsOnDemand = options.LoadsOnDemand,
            Address = silo.SiloAddress,
            IsDraining = IsDraining,
            Memory = [.. engine.Devices.Select(device => new DeviceMemoryStatus(engine.GetMemoryLimit(device.Name), used[device.Name].Sum()))],
            Loads = instances.Loads,
        };
    }

    /// <summary>A silo that stops has nothing to offer any more, whoever asks for the report.</summary>
    private SiloReport ReadLast() => new() { Silo = options.SiloName, Address = silo.SiloAddress, Devices = [], Models = [], Instances = [] };
}
