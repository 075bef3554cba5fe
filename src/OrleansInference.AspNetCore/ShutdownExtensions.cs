using Microsoft.Extensions.Hosting;

namespace OrleansInference.AspNetCore;

internal static class ShutdownExtensions
{
    /// <summary>Refuses work that comes over connections that still stand open while the server ends what it has.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: the host has been asked to stop.</exception>
    public static void RefuseWhenStopping(this IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw Refusal();
    }

    public static InferenceException Refusal() => new(InferenceError.Unavailable, "the server is shutting down");
}
