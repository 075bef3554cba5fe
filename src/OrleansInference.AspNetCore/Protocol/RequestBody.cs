using System.Buffers;
using System.IO.Pipelines;

using Microsoft.AspNetCore.Http;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Gathers a body in the server's pooled blocks as it arrives, so that nothing is allocated for bytes that have only been announced.
/// </summary>
internal static class RequestBody
{
    /// <summary>The encodings that the server takes off.</summary>
    public const string SupportedEncodings = "gzip, deflate";

    /// <summary>The whole body, which stays valid until the request's <c>BodyReader</c> is advanced to its end.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.TooLarge"/>.</exception>
    /// <exception cref="BadHttpRequestException">The body is encoded in a way that is not supported.</exception>
    public static async Task<ReadOnlySequence<byte>> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        // Encodings that are supported have been taken off by now, and their header with them.
        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding && encoding != "identity")
        {
            throw new BadHttpRequestException(
                $"Content-Encoding '{encoding}' is not supported; {SupportedEncodings} are", StatusCodes.Status415UnsupportedMediaType);
        }

        if (request.ContentLength > maxBytes) throw TooLarge(request.ContentLength.Value, maxBytes);
        var reader = request.BodyReader;
        ReadResult read;
        while (true)
        {
            try
            {
                read = await reader.ReadAsync(cancellationToken);
            }
            catch (InvalidDataException exception)
            {
                throw new InferenceException(InferenceError.InvalidArgument, $"the body is not encoded as its Content-Encoding says: {exception.Message}");
            }

            if (read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                throw TooLarge(read.Buffer.Length, maxBytes);
            }

            if (read.IsCompleted) return read.Buffer;
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static InferenceException TooLarge(long size, int limit) => new(
        InferenceError.TooLarge, $"the request has {size} bytes or more, which exceeds the maximum allowed of {limit} (MaxRequestBytes)");
}
