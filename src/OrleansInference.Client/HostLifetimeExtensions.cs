using Microsoft.Extensions.Hosting;

namespace OrleansInference.Client;

internal static class HostLifetimeExtensions
{
    /// <summary>Waits until all services of a host have started: its silo or cluster client, which starts beside them, takes no calls before it has.</summary>
    public static async Task WaitForStartAsync(this IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
