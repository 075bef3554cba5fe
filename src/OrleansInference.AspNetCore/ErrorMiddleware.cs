using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore;

/// <summary>Turns whatever goes wrong into the protocol's status and <c>{"error": "..."}</c>, once and here.</summary>
internal sealed class ErrorMiddleware(RequestDelegate next, ILogger<ErrorMiddleware> logger)
{
    private const int RetryAfterSeconds = 1;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            // What routing refuses comes without a body.
            if (context.Response is { HasStarted: false, StatusCode: >= StatusCodes.Status400BadRequest and var status, ContentType: null })
                await WriteAsync(context, status, $"{ReasonPhrases.GetReasonPhrase(status)}: {context.Request.Method} {context.Request.Path}");
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has left; there is nobody to answer.
        }
        catch (InferenceException exception)
        {
            await FailAsync(context, StatusOf(exception.Error), exception);
        }
        catch (BadHttpRequestException exception)
        {
            await FailAsync(context, exception.StatusCode, exception);
        }
        catch (Exception exception)
        {
            Log.RequestFailed(logger, exception, context.Request.Method, context.Request.Path);
            await FailAsync(context, StatusCodes.Status500InternalServerError, exception);
        }
    }

    /// <summary>The protocol's status of an error.</summary>
    public static int StatusOf(InferenceError error) => error switch
    {
        InferenceError.InvalidArgument => StatusCodes.Status400BadRequest,
        InferenceError.NotFound => StatusCodes.Status404NotFound,
        InferenceError.NotReady or InferenceError.Unavailable => StatusCodes.Status503ServiceUnavailable,
        InferenceError.QueueFull => StatusCodes.Status429TooManyRequests,
        InferenceError.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        InferenceError.TooLarge => StatusCodes.Status413PayloadTooLarge,
        InferenceError.ModelFailed => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static async Task FailAsync(HttpContext context, int status, Exception exception)
    {
        if (context.Response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
            return;
        }

        context.Response.Clear();
        if (status == StatusCodes.Status429TooManyRequests) context.Response.Headers.RetryAfter = $"{RetryAfterSeconds}";
        if (status == StatusCodes.Status415UnsupportedMediaType) context.Response.Headers.AcceptEncoding = RequestBody.SupportedEncodings;
        var message = RequestId.Prefix(RequestId.Find(context), exception.Message);
        await WriteAsync(context, status, message);
    }

    private static Task WriteAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new ErrorBody(message), ProtocolJson.Readable.ErrorBody);
    }
}

/// <summary>Where the caller's own name for a request is kept, for the messages of its errors.</summary>
internal static class RequestId
{
    public static readonly object Key = new();

    public static void Keep(HttpContext context, string id) => context.Items[Key] = id;

    public static object? Find(HttpContext context) => context.Items.TryGetValue(Key, out var id) ? id : null;

    public static string Prefix(object? id, string message) => id is null ? message : $"[request id: {id}] {message}";
}
