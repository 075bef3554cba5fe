namespace OrleansInference.AspNetCore.Tests.Hosting;

internal static class CancellationTokenExtensions
{
    /// <summary>Completes when the token is cancelled, without an exception.</summary>
    public static async Task WhenCancelledAsync(this CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(cancelled.SetResult);
        await cancelled.Task;
    }
}
