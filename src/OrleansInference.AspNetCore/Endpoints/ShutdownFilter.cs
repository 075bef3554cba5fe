using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Refuses work that comes over connections that still stand open while the server ends what it has.</summary>
internal sealed class ShutdownFilter(IHostApplicationLifetime lifetime) : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        lifetime.RefuseWhenStopping();
        return next(context);
    }
}

internal static class ShutdownExtensions
{
    /// <exception cref="InferenceException"><see cref="InferenceError.Unavailable"/>: the host has been asked to stop.</exception>
    public static void RefuseWhenStopping(this IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw new InferenceException(InferenceError.Unavailable, "the server is shutting down");
    }
}
