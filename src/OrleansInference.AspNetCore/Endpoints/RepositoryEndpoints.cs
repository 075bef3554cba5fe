using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The model repository: what is in it, in what state; loading and unloading.</summary>
internal static class RepositoryEndpoints
{
    public static void MapRepository(this RouteGroupBuilder group)
    {
        group.MapPost("/repository/index", GetIndexAsync).WithTags("Repository")
            .WithSummary("All models, with the reasons of those that are not ready.")
            .DescribeBody<IndexRequest>("""{"ready": true}""")
            .Produces<IReadOnlyList<IndexEntry>>();
        group.MapModelChange("load", LoadAsync, "Reads the model's folder again and loads what is in it.")
            .WithDescription(
                "Returns when the model is ready. What was loaded before answers until then, and stays where loading fails. With the parameter " +
                "`config` (a string with JSON in it) that configuration takes the place of the folder's, and with `file:<version>/<file>` (base64) " +
                "these files do, until the model is loaded without them.");
        group.MapModelChange("unload", UnloadAsync, "Unloads the model.")
            .WithDescription("Requests under way are finished, later ones refused. The model stays unloaded until it is loaded again. " +
                "With the parameter `unload_dependents` the models are unloaded too that an ensemble consists of.");
    }

    private static RouteHandlerBuilder MapModelChange(this RouteGroupBuilder group, string change, Delegate handler, string summary) =>
        group.MapPost($"/repository/models/{{model}}/{change}", handler).WithTags("Repository").WithSummary(summary)
            .DescribePath("model")
            .DescribeBody<ModelChangeRequest>("{}")
            .Produces(StatusCodes.Status200OK)
            .Produces<ErrorBody>(StatusCodes.Status400BadRequest)
            .Produces<ErrorBody>(StatusCodes.Status404NotFound)
            .Produces<ErrorBody>(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<IReadOnlyList<IndexEntry>>> GetIndexAsync(
        HttpRequest request, IInferenceClient client, RequestMemory memory, CancellationToken cancellationToken)
    {
        var onlyReady = await JsonBody.ReadAsync(request, memory, ProtocolJson.Readable.IndexRequest) is { Ready: true };
        return TypedResults.Ok(await client.GetIndexAsync(onlyReady, cancellationToken));
    }

    private static async Task<Ok> LoadAsync(
        HttpRequest request, string model, IInferenceClient client, RequestMemory memory, CancellationToken cancellationToken)
    {
        var change = await JsonBody.ReadAsync(request, memory, ProtocolJson.Readable.ModelChangeRequest);
        await client.LoadModelAsync(model, ModelChangeParameters.ReadOverride(change?.Parameters), cancellationToken);
        return TypedResults.Ok();
    }

    private static async Task<Ok> UnloadAsync(
        HttpRequest request, string model, IInferenceClient client, RequestMemory memory, CancellationToken cancellationToken)
    {
        var change = await JsonBody.ReadAsync(request, memory, ProtocolJson.Readable.ModelChangeRequest);
        await client.UnloadModelAsync(model, ModelChangeParameters.ReadDependents(change?.Parameters), cancellationToken);
        return TypedResults.Ok();
    }
}
