using System.Buffers;
using System.IO.Pipelines;

using Microsoft.AspNetCore.Http;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// A whole body, or a whole document of one with many, gathered in the server's pooled blocks as it arrives, so that nothing is allocated
/// for bytes that have only been announced. Disposing it gives the blocks back.
/// </summary>
internal readonly struct RequestBody : IDisposable
{
    /// <summary>The encodings that the server takes off.</summary>
    public const string SupportedEncodings = "gzip, deflate";

    private readonly PipeReader _reader;
    private readonly RequestMemory _memory;

    /// <param name="reader">What it has been read from, and is to be taken from.</param>
    /// <param name="memory">Where it has been counted.</param>
    /// <param name="bytes">It itself.</param>
    public RequestBody(PipeReader reader, RequestMemory memory, ReadOnlySequence<byte> bytes)
    {
        _reader = reader;
        _memory = memory;
        Bytes = bytes;
    }

    public ReadOnlySequence<byte> Bytes { get; }

    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.TooLarge"/>; <see cref="InferenceError.QueueFull"/>: too many bodies are held at once;
    /// <see cref="InferenceError.InvalidArgument"/>: the body is not what its headers say.
    /// </exception>
    /// <exception cref="BadHttpRequestException">The body is encoded in a way that is not supported.</exception>
    public static async ValueTask<RequestBody> ReadAsync(HttpRequest request, RequestMemory memory)
    {
        CheckEncoding(request);
        if (request.ContentLength is { } announced && memory.Check(announced) is { } tooLarge) throw tooLarge;
        var reader = request.BodyReader;
        var held = 0L;
        try
        {
            while (true)
            {
                var read = await ReadMoreAsync(reader);
                var length = read.Buffer.Length;
                if ((memory.Check(length) ?? (memory.TryHold(length - held, out var full) ? null : full)) is { } refusal)
                {
                    reader.AdvanceTo(read.Buffer.End);
                    throw refusal;
                }

                held = length;
                if (read.IsCompleted) return new(reader, memory, read.Buffer);
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch
        {
            memory.Release(held);
            throw;
        }
    }

    public void Dispose()
    {
        var length = Bytes.Length;
        _reader.AdvanceTo(Bytes.End);
        _memory.Release(length);
    }

    /// <exception cref="BadHttpRequestException">The body is encoded in a way that is not supported.</exception>
    public static void CheckEncoding(HttpRequest request)
    {
        // Encodings that are supported have been taken off by now, and their header with them.
        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding && encoding != "identity")
        {
            throw new BadHttpRequestException(
                $"Content-Encoding '{encoding}' is not supported; {SupportedEncodings} are", StatusCodes.Status415UnsupportedMediaType);
        }
    }

    /// <summary>Waits for more of a body.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the body is not what its headers say.</exception>
    public static async ValueTask<ReadResult> ReadMoreAsync(PipeReader reader)
    {
        try
        {
            // The server ends this wait itself when the connection breaks; a token as well would leave the pipe in the middle of a read.
            return await reader.ReadAsync(CancellationToken.None);
        }
        catch (InvalidDataException exception)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"the body is not encoded as its Content-Encoding says: {exception.Message}", exception);
        }
        catch (IOException exception)
        {
            // A body whose chunks cannot be; or the caller has left, and nobody reads this.
            throw new InferenceException(InferenceError.InvalidArgument, $"the body cannot be read: {exception.Message}", exception);
        }
    }
}
