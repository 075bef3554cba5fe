using System.Buffers;
using System.IO.Pipelines;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Writes what came of many requests, a line of JSON for each.</summary>
internal static class ResultLines
{
    public const string ContentType = "application/x-ndjson";

    /// <summary>Lines that are ready one after the other leave together, up to this many bytes.</summary>
    private const int BytesPerFlush = 64 * 1024;

    /// <summary>Writes each line as soon as its result is there.</summary>
    /// <param name="pipe">Where to.</param>
    /// <param name="results">What came of the requests.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The caller has left.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.DeadlineExceeded"/>: the caller takes no answers.</exception>
    public static async Task WriteAsync(
        PipeWriter pipe, IAsyncEnumerable<RequestResult> results, TimeProvider time, CancellationToken cancellationToken)
    {
        pipe = new ImpatientPipe(pipe, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var all = results.GetAsyncEnumerator(end.Token);
        var unsent = 0L;
        while (true)
        {
            var next = all.MoveNextAsync();
            if (!next.IsCompleted || unsent >= BytesPerFlush)
            {
                // Also before the first line, so that the caller knows that its requests are taken in.
                next = new(await FlushAsync(pipe, next.AsTask(), end));
                unsent = 0;
            }

            if (!await next) return;
            unsent += await WriteLineAsync(pipe, all.Current, cancellationToken);
        }
    }

    /// <summary>Sends what is ready, and waits for the next result meanwhile.</summary>
    private static async Task<bool> FlushAsync(PipeWriter pipe, Task<bool> next, CancellationTokenSource end)
    {
        try
        {
            await pipe.FlushAsync(end.Token);
        }
        catch
        {
            // An enumeration cannot be left while its next item is awaited.
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return await next;
    }

    /// <returns>The line's bytes.</returns>
    private static async ValueTask<long> WriteLineAsync(PipeWriter pipe, RequestResult result, CancellationToken cancellationToken)
    {
        using var rented = JsonWriters.Rent(pipe);
        var writer = rented.Writer;
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, result.Index);
        writer.WriteNumber("status"u8, result.Status);
        if (result.Answer is { } answer)
        {
            writer.WritePropertyName("response"u8);
            await InferResponseWriter.WriteObjectAsync(writer, answer.Call, answer.Response, answer.Outputs, pipe, cancellationToken);
        }
        else
        {
            writer.WriteString("error"u8, result.Error);
        }

        writer.WriteEndObject();
        writer.Flush();
        pipe.Write("\n"u8);
        return writer.BytesCommitted + 1;
    }
}

/// <summary>What came of one request among many.</summary>
/// <param name="Index">Which one it was, from 0.</param>
/// <param name="Status">The status that it would have had by itself.</param>
/// <param name="Answer">The answer; null where there is none.</param>
/// <param name="Error">Why there is none.</param>
internal sealed record RequestResult(long Index, int Status, RequestAnswer? Answer, string? Error = null);

/// <param name="Call">The request.</param>
/// <param name="Response">The answer to it.</param>
/// <param name="Outputs">The answer's outputs, as they are to be written.</param>
internal sealed record RequestAnswer(InferCall Call, InferenceResponse Response, (InferenceTensor Tensor, bool Binary)[] Outputs);
