using Microsoft.Extensions.Hosting;

namespace OrleansInference.Client.Routing;

/// <summary>
/// Finds, for a process that is an Orleans client, the connection that leads straight to each silo. The runtime sends the calls of a grain over
/// one of the client's connections, whichever silo the grain is on: a request would mostly pass through another silo, and be lost when that one hangs. A worker is
/// where its key's connection ends, so that calls of a worker which has said where it is go where they are to.
/// </summary>
internal sealed class SiloConnections(
    IGrainFactory grains, DeviceChooser chooser, IHostApplicationLifetime lifetime, TimeProvider time, ILocalSiloDetails? here = null) : BackgroundService
{
    /// <summary>How often connections are looked for, and those that were found asked whether they still lead to the same silos.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>A worker looks nothing up; what answers later than this is no good connection.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// So many keys are tried, one after the other, each of which the runtime gives the next connection. Keys that have been used stay with their
    /// connections, so that one to a new silo needs others.
    /// </summary>
    private const int Keys = 1024;

    /// <summary>No more than this at a time: in a cluster with more silos the rest take their turns.</summary>
    private const int MaxKeysAtOnce = 64;

    private int _next;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A silo sends calls straight to where they are to.
        if (here is not null) return;
        // The cluster client of this host starts beside this service, and takes no calls before it has.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken).ConfigureAwait(false);
        using var timer = new PeriodicTimer(Interval, time);
        do await FindAsync(stoppingToken).ConfigureAwait(false);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task FindAsync(CancellationToken cancellationToken)
    {
        var silos = chooser.Silos.ToDictionary(silo => silo.Name);
        await Task.WhenAll(silos.Values.Select(CheckAsync)).ConfigureAwait(false);
        // All connections lead to the only silo there is, and a worker would only be one more call there.
        if (silos.Count == 1) silos.Values.Single().Worker = null;
        else if (silos.Values.Any(silo => silo.Worker is null)) await LookAsync(silos, cancellationToken).ConfigureAwait(false);

        async Task CheckAsync(SiloRecord silo)
        {
            if (silo.Worker is { } worker && await AskAsync(worker, cancellationToken).ConfigureAwait(false) != silo.Name) silo.Worker = null;
        }
    }

    private async Task LookAsync(Dictionary<string, SiloRecord> silos, CancellationToken cancellationToken)
    {
        var workers = Enumerable.Range(0, Math.Min(silos.Count, MaxKeysAtOnce)).Select(_ => grains.GetWorker(_next++ % Keys)).ToList();
        var found = await Task.WhenAll(workers.Select(worker => AskAsync(worker, cancellationToken))).ConfigureAwait(false);
        foreach (var (worker, name) in workers.Zip(found))
        {
            if (name is not null && silos.GetValueOrDefault(name) is { Worker: null } silo) silo.Worker = worker;
        }
    }

    /// <summary>Which silo a worker is on; null where it does not say.</summary>
    private async Task<string?> AskAsync(IInferenceWorkerGrain worker, CancellationToken cancellationToken)
    {
        try
        {
            return await worker.GetSiloAsync().AsTask().WaitAsync(AnswerTime, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
