using Grpc.Core;
using Grpc.Core.Interceptors;

using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Turns whatever goes wrong into a status, once and here: what <see cref="ErrorMiddleware"/> is for REST.</summary>
internal sealed class ErrorInterceptor(ILogger<ErrorInterceptor> logger) : Interceptor
{
    /// <summary>Clients that retry by themselves wait for as long as this trailer says.</summary>
    public const string RetryTrailer = "grpc-retry-pushback-ms";

    public const string RetryAfterMilliseconds = "1000";

    /// <summary>Timers count whole milliseconds, and end some of a deadline's last one early.</summary>
    private static readonly TimeSpan DeadlineTolerance = TimeSpan.FromMilliseconds(20);

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw ToStatus(exception, context);
        }
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardStreamAsync(() => continuation(request, responseStream, context), context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardStreamAsync(() => continuation(requestStream, responseStream, context), context);

    /// <summary>The protocol's status of an error.</summary>
    public static StatusCode StatusOf(InferenceError error) => error switch
    {
        InferenceError.InvalidArgument => StatusCode.InvalidArgument,
        InferenceError.NotFound => StatusCode.NotFound,
        InferenceError.NotReady or InferenceError.Unavailable => StatusCode.Unavailable,
        // What gRPC itself says of a message over the limit.
        InferenceError.QueueFull or InferenceError.TooLarge => StatusCode.ResourceExhausted,
        InferenceError.DeadlineExceeded => StatusCode.DeadlineExceeded,
        InferenceError.ModelFailed => StatusCode.Internal,
        _ => StatusCode.Internal,
    };

    private async Task GuardStreamAsync(Func<Task> stream, ServerCallContext context)
    {
        try
        {
            await stream();
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw ToStatus(exception, context);
        }
    }

    private RpcException ToStatus(Exception exception, ServerCallContext context)
    {
        if (context.CancellationToken.IsCancellationRequested)
        {
            // The deadlines of calls are on the wall's clock.
            return context.Deadline - TimeProvider.System.GetUtcNow().UtcDateTime < DeadlineTolerance
                ? new(new(StatusCode.DeadlineExceeded, "the deadline of the call has passed"))
                : new(new(StatusCode.Cancelled, "the caller has cancelled"));
        }

        var message = RequestId.Prefix(context.UserState.TryGetValue(RequestId.Key, out var id) ? id : null, exception.Message);
        if (exception is not InferenceException { Error: var error })
        {
            Log.RequestFailed(logger, exception, "gRPC", context.Method);
            return new(new(StatusCode.Internal, message));
        }

        var trailers = new Metadata();
        if (error == InferenceError.QueueFull) trailers.Add(RetryTrailer, RetryAfterMilliseconds);
        return new(new(StatusOf(error), message), trailers);
    }
}
