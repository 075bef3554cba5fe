using System.Buffers;
using System.Text.Json;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The model repository: what is in it, and in what state.</summary>
internal static class RepositoryEndpoints
{
    public static void MapRepository(this RouteGroupBuilder group) =>
        group.MapPost("/repository/index", GetIndexAsync).WithTags("Repository")
            .WithSummary("All models, with the reasons of those that are not ready.")
            .DescribeBody<IndexRequest>("""{"ready": true}""")
            .Produces<IReadOnlyList<IndexEntry>>();

    private static async Task<Ok<IReadOnlyList<IndexEntry>>> GetIndexAsync(
        HttpRequest request, IInferenceClient client, RequestMemory memory, CancellationToken cancellationToken)
    {
        var onlyReady = await ReadAsync(request, memory) is { Ready: true };
        return TypedResults.Ok(await client.GetIndexAsync(onlyReady, cancellationToken));
    }

    /// <summary>Reads the body by hand: the protocol's clients send it without a Content-Type, or not at all.</summary>
    private static async Task<IndexRequest?> ReadAsync(HttpRequest request, RequestMemory memory)
    {
        using var body = await RequestBody.ReadAsync(request, memory);
        if (body.Bytes.IsEmpty) return null;
        try
        {
            return JsonSerializer.Deserialize(body.Bytes.ToArray(), ProtocolJson.Readable.IndexRequest);
        }
        catch (JsonException exception)
        {
            throw new InferenceException(InferenceError.InvalidArgument, $"failed to parse the request JSON buffer: {exception.Message}", exception);
        }
    }
}
