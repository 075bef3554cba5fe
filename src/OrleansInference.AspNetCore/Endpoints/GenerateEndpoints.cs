using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Triton's generate extension: inputs and outputs as members of one JSON object, answered at once or as a stream of events.</summary>
internal static class GenerateEndpoints
{
    private const string RequestExample = """{"id": "1", "FROM": 3, "parameters": {"timeout": 1000000}}""";

    private const string AnswerExample = """{"model_name": "countdown", "model_version": "1", "id": "1", "NUMBER": 2, "DONE": false}""";

    public static void MapGenerate(this RouteGroupBuilder group)
    {
        group.MapModelRoute(HttpMethods.Post, "/generate", GenerateAsync).Describe(
            "Inference", "Runs the model on inputs that are members of the body.", route => route
                .DescribeBody<JsonObject>(RequestExample)
                .Produces<JsonObject>()
                .DescribeAnswer(AnswerExample)
                .DescribeInferenceErrors());
        group.MapModelRoute(HttpMethods.Post, "/generate_stream", GenerateStreamAsync).Describe(
            "Inference", "Runs the model and gives its responses as server-sent events.", route => route
                .DescribeBody<JsonObject>(RequestExample)
                .Produces<string>(StatusCodes.Status200OK, EventStream.ContentType)
                .DescribeInferenceErrors());
    }

    private static async Task GenerateAsync(HttpContext context, ModelRoute route, IInferenceClient client, InferenceReception reception)
    {
        var (call, request, descriptor) = await reception.ReadAsync(context, route, ReadAsync);
        var response = descriptor.IsDecoupled
            ? await GetOnlyAsync(client.InferStreamAsync(request, context.RequestAborted), descriptor)
            : await client.InferAsync(request, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(GenerateWriter.Write(call, response), context.RequestAborted);
    }

    private static async Task GenerateStreamAsync(HttpContext context, ModelRoute route, IInferenceClient client, InferenceReception reception)
    {
        var (call, request, _) = await reception.ReadAsync(context, route, ReadAsync);
        await EventStream.WriteAsync(
            context,
            call,
            client.InferStreamAsync(request, context.RequestAborted),
            response => Task.FromResult(GenerateWriter.Write(call, response)));
    }

    private static async ValueTask<InferCall> ReadAsync(HttpContext context, ModelDescriptor model, RequestMemory memory, int maxBytes)
    {
        using var body = await RequestBody.ReadAsync(context.Request, memory);
        return GenerateReader.Read(body.Bytes, model, maxBytes, id => RequestId.Keep(context, id));
    }

    private static async Task<InferenceResponse> GetOnlyAsync(IAsyncEnumerable<InferenceResponse> responses, ModelDescriptor model)
    {
        await foreach (var response in responses)
        {
            return response.IsFinal ? response : throw new InferenceException(
                InferenceError.InvalidArgument,
                $"generate expects model '{model.Id.Name}' to produce exactly 1 response, but it produces more: use generate_stream");
        }

        throw new InferenceException(InferenceError.ModelFailed, $"model '{model.Id.Name}' has ended without a response");
    }
}
