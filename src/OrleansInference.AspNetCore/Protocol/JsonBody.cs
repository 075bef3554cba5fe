using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using Microsoft.AspNetCore.Http;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Small bodies of JSON, read by hand: the protocol's clients send them without a Content-Type, or not at all.</summary>
internal static class JsonBody
{
    /// <returns>What the body holds; null where there is none.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: it is not of that type.</exception>
    public static async Task<T?> ReadAsync<T>(HttpRequest request, RequestMemory memory, JsonTypeInfo<T> type)
        where T : class
    {
        using var body = await RequestBody.ReadAsync(request, memory);
        if (body.Bytes.IsEmpty) return null;
        try
        {
            return JsonSerializer.Deserialize(body.Bytes.ToArray(), type);
        }
        catch (JsonException exception)
        {
            // Of what is JSON, but not of that type, the serializer's message names the type.
            throw exception.Path is { } path && exception.Message.Contains("could not be converted", StringComparison.Ordinal)
                ? new InferenceException(InferenceError.InvalidArgument, $"failed to parse the request JSON buffer: '{path}' has a value of another type than is expected", exception)
                : JsonFields.ToRefusal(exception)!;
        }
    }
}
