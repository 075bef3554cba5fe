using System.Reflection;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The server as a whole: what it is, whether it lives, whether it is ready.</summary>
internal static class ServerEndpoints
{
    /// <summary>
    /// Without <c>logging</c> and <c>trace</c>: those promise that a client can change the settings, and here they can only be read.
    /// </summary>
    public static readonly ServerMetadata Metadata = new(
        "orleans-inference",
        typeof(ServerEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
        ["binary_tensor_data", "classification", "model_configuration", "model_repository", "parameters", "schedule_policy", "statistics"]);

    public static void MapServer(this RouteGroupBuilder group)
    {
        group.MapGet("", GetMetadata).WithTags("Server").WithSummary("Name, version and extensions.");
        group.MapGet("/health/live", GetLive).WithTags("Server").WithSummary("Whether the server lives.")
            .WithDescription("200 as long as the process answers requests.");
        group.MapGet("/health/ready", GetReady).WithTags("Server")
            .WithSummary("Whether the server is ready.")
            .WithDescription("200 when no model is still being loaded; one that cannot be loaded does not hold up the others.")
            .Produces(StatusCodes.Status200OK).Produces(StatusCodes.Status400BadRequest).Produces(StatusCodes.Status503ServiceUnavailable);
    }

    private static Ok<ServerMetadata> GetMetadata() => TypedResults.Ok(Metadata);

    private static Ok GetLive() => TypedResults.Ok();

    private static Results<Ok, JsonHttpResult<ErrorBody>> GetReady(IInferenceClient client, IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return TypedResults.Json(new ErrorBody("the server is shutting down"), statusCode: StatusCodes.Status503ServiceUnavailable);
        return client.IsReady
            ? TypedResults.Ok()
            : TypedResults.Json(new ErrorBody("models are still being loaded, or no silo can be reached"), statusCode: StatusCodes.Status400BadRequest);
    }
}
