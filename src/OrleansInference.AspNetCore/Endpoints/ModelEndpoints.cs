using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>What is known of a model: metadata, readiness, configuration, statistics.</summary>
internal static class ModelEndpoints
{
    public static void MapModels(this RouteGroupBuilder group)
    {
        group.MapModelRoute(HttpMethods.Get, "", GetMetadataAsync).Describe("Models", "Inputs, outputs and versions.");
        group.MapModelRoute(HttpMethods.Get, "/ready", GetReadyAsync).Describe("Models", "Whether the model answers.");
        group.MapModelRoute(HttpMethods.Get, "/config", GetConfigurationAsync).Describe("Models", "The model's configuration.");
        group.MapGet("/models/stats", GetAllStatisticsAsync).WithTags("Models").WithSummary("Counts, times and batch sizes of all models.");
        group.MapModelRoute(HttpMethods.Get, "/stats", GetStatisticsAsync).Describe("Models", "Counts, times and batch sizes.");
    }

    private static async Task<Ok<ModelMetadata>> GetMetadataAsync(
        ModelRoute route, IInferenceClient client, CancellationToken cancellationToken) =>
        TypedResults.Ok(await client.GetMetadataAsync(route.Model, route.Version, cancellationToken));

    private static async Task<Ok> GetReadyAsync(ModelRoute route, IInferenceClient client, CancellationToken cancellationToken)
    {
        var entry = await client.GetModelAsync(route.Model, route.Version, cancellationToken);
        _ = entry.GetReadyDescriptor();
        return TypedResults.Ok();
    }

    private static async Task<ContentHttpResult> GetConfigurationAsync(
        ModelRoute route, IInferenceClient client, CancellationToken cancellationToken)
    {
        var entry = await client.GetModelAsync(route.Model, route.Version, cancellationToken);
        return TypedResults.Text(entry.GetReadyDescriptor().Configuration, "application/json");
    }

    private static async Task<Ok<StatisticsBody>> GetStatisticsAsync(
        ModelRoute route, IInferenceClient client, CancellationToken cancellationToken) =>
        TypedResults.Ok(await client.GetStatisticsBodyAsync(route.Model, route.Version, cancellationToken));

    private static async Task<Ok<StatisticsBody>> GetAllStatisticsAsync(IInferenceClient client, CancellationToken cancellationToken) =>
        TypedResults.Ok(await client.GetStatisticsBodyAsync(null, null, cancellationToken));
}
