using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Inference: JSON, JSON with binary tensors behind it, or one raw input.</summary>
internal static class InferEndpoints
{
    public static void MapInfer(this RouteGroupBuilder group) =>
        group.MapModelRoute(HttpMethods.Post, "/infer", InferAsync).Describe("Inference", "Runs the model.", route => route
            .DescribeBody<InferRequestBody>("application/json", "application/octet-stream", "image/png", "image/jpeg")
            .Produces<InferResponseBody>(StatusCodes.Status200OK, "application/json", "application/octet-stream")
            .Produces<ErrorBody>(StatusCodes.Status400BadRequest)
            .Produces<ErrorBody>(StatusCodes.Status413PayloadTooLarge)
            .Produces<ErrorBody>(StatusCodes.Status429TooManyRequests)
            .Produces<ErrorBody>(StatusCodes.Status500InternalServerError)
            .Produces<ErrorBody>(StatusCodes.Status504GatewayTimeout));

    private static async Task InferAsync(
        HttpContext context, ModelRoute route, IInferenceClient client, IOptions<FrontDoorOptions> options, TimeProvider time)
    {
        var received = time.GetUtcNow();
        var entry = await client.GetModelAsync(route.Model, route.Version, context.RequestAborted);
        var descriptor = entry.GetReadyDescriptor();
        var call = await InferRequestReader.ReadAsync(context.Request, descriptor, options.Value.MaxRequestBytes, context.RequestAborted);
        if (call.Id is not null) context.Items[RequestId.Key] = call.Id;
        var response = await client.InferAsync(call.ToRequest(route.Model, route.Version, received), context.RequestAborted);
        await InferResponseWriter.WriteAsync(context.Response, call, response, descriptor, context.RequestAborted);
    }
}
