using System.Threading.Channels;

using Grpc.Core;

using Inference;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>
/// A stream of inferences: a bounded number of them under way at once, their answers in the order of the requests. One that fails is
/// answered with its error, and the stream goes on.
/// </summary>
internal sealed class StreamInference(MessageInference inference, IHostApplicationLifetime lifetime, ILogger<StreamInference> logger)
{
    /// <summary>The most requests of a stream that are under way; the next is read when the oldest has been answered.</summary>
    public const int MaxInFlight = 32;

    private const string FinalResponse = "triton_final_response";
    private const string ErrorsAsStatus = "triton_grpc_error";

    public async Task RunAsync(
        IAsyncStreamReader<ModelInferRequest> requests, IServerStreamWriter<ModelStreamInferResponse> responses, ServerCallContext context)
    {
        var errorsAsStatus = context.RequestHeaders.GetValue(ErrorsAsStatus) == "true";
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        // Beside those in the channel there is the one that is being written.
        var answers = Channel.CreateBounded<Task<Answer>>(new BoundedChannelOptions(MaxInFlight - 1) { SingleReader = true, SingleWriter = true });
        var reading = ReadAsync(requests, answers.Writer, end.Token);
        try
        {
            await foreach (var pending in answers.Reader.ReadAllAsync(end.Token))
            {
                var answer = await pending;
                if (errorsAsStatus && answer.Error is not null)
                {
                    if (answer.Message.InferResponse.Id is { Length: > 0 } id) context.UserState[RequestId.Key] = id;
                    throw answer.Error;
                }

                await responses.WriteAsync(answer.Message, end.Token);
            }
        }
        finally
        {
            // Nothing of a call may outlive it.
            await end.CancelAsync();
            await reading;
            while (answers.Reader.TryRead(out var left)) await left;
        }
    }

    /// <summary>Never fails itself: what goes wrong ends the channel, behind the answers to what has been read before.</summary>
    private async Task ReadAsync(
        IAsyncStreamReader<ModelInferRequest> requests, ChannelWriter<Task<Answer>> answers, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            while (await answers.WaitToWriteAsync(stop.Token) && await requests.MoveNext(stop.Token))
                answers.TryWrite(AnswerAsync(requests.Current, cancellationToken));
            answers.Complete();
        }
        catch (Exception) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            answers.Complete(new InferenceException(InferenceError.Unavailable, "the server is shutting down"));
        }
        catch (Exception exception)
        {
            answers.Complete(exception);
        }
    }

    private async Task<Answer> AnswerAsync(ModelInferRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var response = await inference.InferAsync(request, DateTime.MaxValue, cancellationToken);
            response.Parameters.Add(FinalResponse, new InferParameter { BoolParam = true });
            return new(new() { InferResponse = response }, null);
        }
        catch (Exception exception)
        {
            if (exception is not InferenceException && !cancellationToken.IsCancellationRequested)
                Log.RequestFailed(logger, exception, "gRPC", $"{nameof(GRPCInferenceService.GRPCInferenceServiceBase.ModelStreamInfer)} {request.ModelName}");
            var response = new ModelInferResponse { Id = request.Id };
            var message = RequestId.Prefix(request.Id.Length == 0 ? null : request.Id, exception.Message);
            return new(new() { ErrorMessage = message, InferResponse = response }, exception);
        }
    }

    private readonly record struct Answer(ModelStreamInferResponse Message, Exception? Error);
}
