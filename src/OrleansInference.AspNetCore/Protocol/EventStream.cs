using System.Net.ServerSentEvents;
using System.Text.Json;

using Microsoft.AspNetCore.Http;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Writes responses as server-sent events, each as soon as it comes.</summary>
internal static class EventStream
{
    public const string ContentType = "text/event-stream";

    /// <param name="context">The request.</param>
    /// <param name="call">The request, read.</param>
    /// <param name="responses">The responses.</param>
    /// <param name="format">What an event says of a response.</param>
    /// <exception cref="InferenceException">There is no first response: until then errors have a status.</exception>
    public static async Task WriteAsync(
        HttpContext context, InferCall call, IAsyncEnumerable<InferenceResponse> responses, Func<InferenceResponse, Task<string>> format)
    {
        await using var all = responses.GetAsyncEnumerator(context.RequestAborted);
        var first = await all.MoveNextAsync() ? await format(all.Current) : null;
        await TypedResults.ServerSentEvents(ToEventsAsync(first, call, all, format)).ExecuteAsync(context);
    }

    /// <summary>An error is the last event, since the status has been sent by then.</summary>
    private static async IAsyncEnumerable<SseItem<string>> ToEventsAsync(
        string? first, InferCall call, IAsyncEnumerator<InferenceResponse> rest, Func<InferenceResponse, Task<string>> format)
    {
        var hasFailed = false;
        for (var data = first; data is not null;)
        {
            yield return new(data);
            if (hasFailed) yield break;
            try
            {
                data = await rest.MoveNextAsync() ? await format(rest.Current) : null;
            }
            catch (InferenceException exception)
            {
                hasFailed = true;
                data = JsonSerializer.Serialize(new ErrorBody(RequestId.Prefix(call.Id, exception.Message)), ProtocolJson.Readable.ErrorBody);
            }
        }
    }
}
