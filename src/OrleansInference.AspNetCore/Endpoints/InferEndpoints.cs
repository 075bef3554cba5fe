using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Inference: JSON, JSON with binary tensors behind it, or one raw input.</summary>
internal static class InferEndpoints
{
    private const string RequestExample =
        """{"inputs": [{"name": "INPUT0", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2.5], [3, 4]]}]}""";

    private const string AnswerExample =
        """
        {"model_name": "identity", "model_version": "1",
         "outputs": [{"name": "OUTPUT0", "datatype": "FP32", "shape": [2, 2], "data": [1, 2.5, 3, 4]}]}
        """;

    public static void MapInfer(this RouteGroupBuilder group)
    {
        var services = ((IEndpointRouteBuilder)group).ServiceProvider;
        var client = services.GetRequiredService<IInferenceClient>();
        var reception = services.GetRequiredService<InferenceReception>();
        // Of the context alone: to bind anything else costs the framework a scope of services and some objects for each request.
        Task Infer(HttpContext context) => InferAsync(context, client, reception);
        group.MapModelRoute(HttpMethods.Post, "/infer", Infer).Describe("Inference", "Runs the model.", route => route
            .DescribeBody<InferRequestBody>(RequestExample, "application/octet-stream", "image/png", "image/jpeg")
            .Produces<InferResponseBody>()
            .DescribeAnswer(AnswerExample, "application/octet-stream", EventStream.ContentType)
            .DescribeInferenceErrors());
    }

    private static async Task InferAsync(HttpContext context, IInferenceClient client, InferenceReception reception)
    {
        var (call, request, descriptor) = await reception.ReadAsync(context, ModelRoute.Of(context), InferRequestReader.ReadAsync);
        if (descriptor.IsDecoupled)
        {
            await EventStream.WriteAsync(
                context,
                call,
                client.InferStreamAsync(request, context.RequestAborted),
                response => InferResponseWriter.WriteTextAsync(call, response, descriptor));
            return;
        }

        var response = await client.InferAsync(request, context.RequestAborted);
        await InferResponseWriter.WriteAsync(context.Response, call, response, descriptor, context.RequestAborted);
    }
}
