using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Turns an HTTP request into one for the cluster, in whichever of the protocol's forms its body is.</summary>
internal sealed class InferenceReception(
    IInferenceClient client, RequestMemory memory, IOptions<FrontDoorOptions> options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    public delegate ValueTask<InferCall> BodyReader(HttpContext context, ModelDescriptor model, RequestMemory memory, int maxBytes);

    /// <param name="context">The request.</param>
    /// <param name="route">The model.</param>
    /// <param name="read">Reads the body, when it is known that the model answers.</param>
    /// <exception cref="InferenceException">The model does not answer, the body is wrong, or the server is shutting down.</exception>
    public async ValueTask<(InferCall Call, InferenceRequest Request, ModelDescriptor Model)> ReadAsync(
        HttpContext context, ModelRoute route, BodyReader read)
    {
        lifetime.RefuseWhenStopping();
        var received = time.GetUtcNow();
        var descriptor = await client.GetDescriptorAsync(route.Model, route.Version, context.RequestAborted);
        var call = await read(context, descriptor, memory, options.Value.MaxRequestBytes);
        return (call, call.ToRequest(route.Model, route.Version, received), descriptor);
    }
}
