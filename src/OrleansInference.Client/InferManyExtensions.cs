using System.Runtime.CompilerServices;

namespace OrleansInference.Client;

/// <summary>Many requests in one call.</summary>
public static class InferManyExtensions
{
    /// <summary>
    /// Sends the requests of a stream, many at once, and gives a result for each. One that fails does not end the others; a model that
    /// answers more than once is refused. Requests are asked for as results are read.
    /// </summary>
    /// <param name="client">The cluster.</param>
    /// <param name="requests">The requests, of one model or of several.</param>
    /// <param name="options">How many at once, and in which order the results come.</param>
    /// <param name="cancellationToken">Ends those under way and sends no more, and so does leaving the enumeration.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static IAsyncEnumerable<InferenceResult> InferManyAsync(
        this IInferenceClient client,
        IAsyncEnumerable<InferenceRequest> requests,
        FanOutOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(requests);
        return NumberAsync(requests, CancellationToken.None)
            .FanOutAsync((item, token) => TryInferAsync(client, item.Index, item.Request, token), options, cancellationToken);
    }

    private static async Task<InferenceResult> TryInferAsync(
        IInferenceClient client, long index, InferenceRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return new(index, await client.InferAsync(request, cancellationToken).ConfigureAwait(false), null);
        }
        catch (InferenceException exception)
        {
            return new(index, null, exception);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new(index, null, new(InferenceError.ModelFailed, exception.Message, exception));
        }
    }

    /// <summary>As the framework's own does, but past the two thousand millionth.</summary>
    private static async IAsyncEnumerable<(long Index, InferenceRequest Request)> NumberAsync(
        IAsyncEnumerable<InferenceRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var index = 0L;
        await foreach (var request in requests.WithCancellation(cancellationToken).ConfigureAwait(false)) yield return (index++, request);
    }
}

/// <summary>What came of one request among many.</summary>
/// <param name="Index">Which one it was, from 0.</param>
/// <param name="Response">The answer; null where there is none.</param>
/// <param name="Error">Why there is none; null where there is one.</param>
public sealed record InferenceResult(long Index, InferenceResponse? Response, InferenceException? Error);
