using Microsoft.Extensions.Hosting;

using Orleans.Messaging;

namespace OrleansInference.Client.Routing;

/// <summary>
/// Finds, for a process that is an Orleans client, the connection that leads straight to each silo. The runtime sends the calls of a grain over
/// one of the client's connections, whichever silo the grain is on: a request would mostly pass through another silo, and be lost when that one hangs. A worker is
/// where its key's connection ends, so that calls of a worker which has said where it is go where they are to.
/// </summary>
/// <param name="grains">The cluster.</param>
/// <param name="chooser">Knows the silos.</param>
/// <param name="lifetime">Tells when the cluster client takes calls.</param>
/// <param name="time">The clock.</param>
/// <param name="gateways">The silos that take clients' connections; null in a silo, which sends calls straight to where they are to.</param>
internal sealed class SiloConnections(
    IGrainFactory grains, DeviceChooser chooser, IHostApplicationLifetime lifetime, TimeProvider time, IGatewayListProvider? gateways = null) : BackgroundService
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

    /// <summary>A silo that is not found, since clients cannot reach it or it is of an earlier build, is looked for in fewer and fewer rounds, and at last in one of so many.</summary>
    private const int MaxPause = 32;

    private int _next;
    private int _pause = 1;
    private int _left;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (gateways is null) return;
        await lifetime.WaitForStartAsync(stoppingToken).ConfigureAwait(false);
        using var timer = new PeriodicTimer(Interval, time);
        do await FindAsync(gateways, stoppingToken).ConfigureAwait(false);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task FindAsync(IGatewayListProvider gateways, CancellationToken cancellationToken)
    {
        var silos = chooser.Silos.ToDictionary(silo => silo.Name);
        await Task.WhenAll(silos.Values.Select(CheckAsync)).ConfigureAwait(false);
        var lacking = silos.Values.Count(silo => silo.Worker is null);
        if (lacking == 0 || --_left > 0 || (silos.Count == 1 && await HasOneAsync(gateways, cancellationToken).ConfigureAwait(false))) return;
        await LookAsync(silos, cancellationToken).ConfigureAwait(false);
        _pause = silos.Values.Count(silo => silo.Worker is null) < lacking ? 1 : Math.Min(2 * _pause, MaxPause);
        _left = _pause;

        async Task CheckAsync(SiloRecord silo)
        {
            if (silo.Worker is { } worker && await AskAsync(worker, cancellationToken).ConfigureAwait(false) != silo.Name) silo.Worker = null;
        }
    }

    /// <summary>Whether all connections lead to the same silo, where a worker would only be one more call.</summary>
    private async Task<bool> HasOneAsync(IGatewayListProvider gateways, CancellationToken cancellationToken)
    {
        try
        {
            return (await gateways.GetGatewaysAsync(cancellationToken).WaitAsync(AnswerTime, time, cancellationToken).ConfigureAwait(false)).Count == 1;
        }
        catch (Exception)
        {
            // Where the list cannot be read, there may be more.
            return false;
        }
    }

    private async Task LookAsync(Dictionary<string, SiloRecord> silos, CancellationToken cancellationToken)
    {
        // Other keys than those that are used for processing: what one worker has says nothing of another.
        var workers = Enumerable.Range(0, Math.Min(silos.Count + 1, MaxKeysAtOnce))
            .Select(_ => grains.GetWorker(ModelCaller.Workers + (_next = (_next + 1) % Keys))).ToList();
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
