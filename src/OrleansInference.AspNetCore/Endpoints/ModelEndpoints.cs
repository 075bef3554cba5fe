using System.Globalization;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;
using OrleansInference.Tensors;

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
        ModelRoute route, IInferenceClient client, CancellationToken cancellationToken)
    {
        var entry = await client.GetModelAsync(route.Model, route.Version, cancellationToken);
        var descriptor = entry.GetReadyDescriptor();
        var all = await client.GetModelsAsync(cancellationToken);
        return TypedResults.Ok(new ModelMetadata(
            route.Model,
            [.. all.Where(other => other.Id.Name == route.Model && other.State == ModelState.Ready).Select(other => Format(other.Id.Version))],
            descriptor.Platform,
            [.. descriptor.Inputs.Select(ToMetadata)],
            [.. descriptor.Outputs.Select(ToMetadata)]));
    }

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
        ModelRoute route, IInferenceClient client, CancellationToken cancellationToken)
    {
        var statistics = await client.GetStatisticsAsync(route.Model, route.Version, cancellationToken);
        return TypedResults.Ok(new StatisticsBody([.. statistics.Select(pair => ToBody(pair.Model, pair.Statistics))]));
    }

    private static async Task<Ok<StatisticsBody>> GetAllStatisticsAsync(IInferenceClient client, CancellationToken cancellationToken)
    {
        var statistics = await client.GetStatisticsAsync(cancellationToken: cancellationToken);
        return TypedResults.Ok(new StatisticsBody([.. statistics.Select(pair => ToBody(pair.Model, pair.Statistics))]));
    }

    private static TensorMetadata ToMetadata(TensorSignature tensor) => new(tensor.Name, tensor.DataType.ToProtocolName(), tensor.Shape);

    private static ModelStatisticsBody ToBody(ModelId model, ModelStatistics statistics) => new(
        model.Name,
        Format(model.Version),
        statistics.LastInference?.ToUnixTimeMilliseconds() ?? 0,
        statistics.InferenceCount,
        statistics.ExecutionCount,
        new(
            ToBody(statistics.Success),
            ToBody(statistics.Fail),
            ToBody(statistics.Queue),
            ToBody(statistics.ComputeInput),
            ToBody(statistics.ComputeInfer),
            ToBody(statistics.ComputeOutput),
            // There is no response cache; Triton's clients expect the fields.
            new(0, 0),
            new(0, 0)),
        [
            .. statistics.Batches.Select(batch => new BatchStatisticsBody(
                batch.BatchSize, ToBody(batch.ComputeInput), ToBody(batch.ComputeInfer), ToBody(batch.ComputeOutput))),
        ],
        statistics.QueueDepth);

    private static DurationBody ToBody(DurationStatistics duration) => new(duration.Count, duration.Nanoseconds);

    private static string Format(int version) => version.ToString(CultureInfo.InvariantCulture);
}
