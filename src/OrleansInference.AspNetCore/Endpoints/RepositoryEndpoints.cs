using System.Buffers;
using System.Text.Json;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The model repository: what is in it, and in what state.</summary>
internal static class RepositoryEndpoints
{
    public static void MapRepository(this RouteGroupBuilder group) =>
        group.MapPost("/repository/index", GetIndexAsync).WithTags("Repository")
            .WithSummary("All models, with the reasons of those that are not ready.")
            .DescribeBody<IndexRequest>("application/json")
            .Produces<IReadOnlyList<IndexEntry>>();

    private static async Task<Ok<IReadOnlyList<IndexEntry>>> GetIndexAsync(
        HttpRequest request, IInferenceClient client, IOptions<FrontDoorOptions> options, CancellationToken cancellationToken)
    {
        // Read by hand: the protocol's clients send this body without a Content-Type, or none at all.
        var body = await RequestBody.ReadAsync(request, options.Value.MaxRequestBytes, cancellationToken);
        var onlyReady = false;
        try
        {
            if (!body.IsEmpty) onlyReady = JsonSerializer.Deserialize(body.ToArray(), ProtocolJson.Readable.IndexRequest)?.Ready ?? false;
        }
        catch (JsonException exception)
        {
            throw new InferenceException(InferenceError.InvalidArgument, $"failed to parse the request JSON buffer: {exception.Message}", exception);
        }
        finally
        {
            request.BodyReader.AdvanceTo(body.End);
        }

        return TypedResults.Ok(await client.GetIndexAsync(onlyReady, cancellationToken));
    }
}
