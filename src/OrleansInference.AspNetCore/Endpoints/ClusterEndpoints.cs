using System.Globalization;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The cluster: its silos and devices, what is on them, and which silos take models. Triton has nothing like it.</summary>
internal static class ClusterEndpoints
{
    public static void MapCluster(this RouteGroupBuilder group)
    {
        group.MapGet("/cluster", GetClusterAsync).WithTags("Cluster").WithSummary("The silos, their devices, and the models on them.")
            .WithDescription("Memory is in bytes, 0 where it is not known. A queue's depth is as its silo has reported it last, within five seconds.")
            .Produces<ErrorBody>(StatusCodes.Status503ServiceUnavailable);
        group.MapSiloChange("drain", DrainAsync, "Empties a silo.")
            .WithDescription("Has what the silo holds loaded elsewhere, as far as there is room, and returns when it holds nothing any more that could be elsewhere. " +
                "No request is lost. The silo takes no models until it is resumed or started again.");
        group.MapSiloChange("resume", ResumeAsync, "Lets a silo take models again that has been drained.");
    }

    private static RouteHandlerBuilder MapSiloChange(this RouteGroupBuilder group, string change, Delegate handler, string summary) =>
        group.MapPost($"/cluster/silos/{{silo}}/{change}", handler).WithTags("Cluster").WithSummary(summary)
            .Produces(StatusCodes.Status200OK)
            .Produces<ErrorBody>(StatusCodes.Status404NotFound)
            .Produces<ErrorBody>(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<ClusterBody>> GetClusterAsync(IInferenceClient client, CancellationToken cancellationToken)
    {
        var cluster = await client.GetClusterAsync(cancellationToken);
        return TypedResults.Ok(new ClusterBody([.. cluster.Silos.Select(ToBody)]));
    }

    private static async Task<Ok> DrainAsync(string silo, IInferenceClient client, CancellationToken cancellationToken)
    {
        await client.DrainSiloAsync(silo, cancellationToken);
        return TypedResults.Ok();
    }

    private static async Task<Ok> ResumeAsync(string silo, IInferenceClient client, CancellationToken cancellationToken)
    {
        await client.ResumeSiloAsync(silo, cancellationToken);
        return TypedResults.Ok();
    }

    private static SiloBody ToBody(SiloDescription silo) =>
        new(silo.Name, silo.State == SiloState.Draining ? "draining" : "active", [.. silo.Devices.Select(ToBody)]);

    private static DeviceBody ToBody(DeviceStatus device) => new(
        device.Name,
        device.Kind,
        device.Memory.TotalBytes,
        device.Memory.UsedBytes,
        [
            .. device.Models.Select(model => new DeviceModelBody(
                model.Model.Name, model.Model.Version.ToString(CultureInfo.InvariantCulture), model.State.ToString().ToUpperInvariant(), model.QueueDepth)),
        ]);
}
