using System.Threading.Channels;

using Grpc.Core;

using Inference;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>
/// A stream of inferences: a bounded number of them under way at once, their answers in the order of the requests. One that fails is
/// answered with its error, and the stream goes on. Of a model that answers more than once only the final answers are in that order:
/// the others are written as they come.
/// </summary>
internal sealed class StreamInference(MessageInference inference, IHostApplicationLifetime lifetime, ILogger<StreamInference> logger)
{
    /// <summary>The most requests of a stream that are under way; the next is read when the oldest has been answered.</summary>
    public const int MaxInFlight = 32;

    private const string ErrorsAsStatus = "triton_grpc_error";

    public async Task RunAsync(
        IAsyncStreamReader<ModelInferRequest> requests, IServerStreamWriter<ModelStreamInferResponse> responses, ServerCallContext context)
    {
        var errorsAsStatus = context.RequestHeaders.GetValue(ErrorsAsStatus) == "true";
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        // Beside those in the channel there is the one that is being written.
        using var writer = new AnswerWriter(responses);
        var answers = Channel.CreateBounded<Task<Answer>>(new BoundedChannelOptions(MaxInFlight - 1) { SingleReader = true, SingleWriter = true });
        var reading = ReadAsync(requests, writer, answers.Writer, end.Token);
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

                await writer.WriteAsync(answer.Message, end.Token);
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
        IAsyncStreamReader<ModelInferRequest> requests,
        AnswerWriter writer,
        ChannelWriter<Task<Answer>> answers,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            while (await answers.WaitToWriteAsync(stop.Token) && await requests.MoveNext(stop.Token))
                answers.TryWrite(AnswerAsync(requests.Current, writer, cancellationToken));
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

    /// <summary>Writes all answers to a request but the final one, which is returned.</summary>
    private async Task<Answer> AnswerAsync(ModelInferRequest request, AnswerWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var (message, isFinal) in inference.InferStreamAsync(request, cancellationToken))
            {
                if (isFinal) return new(new() { InferResponse = message }, null);
                await writer.WriteAsync(new() { InferResponse = message }, cancellationToken);
            }

            throw new InferenceException(InferenceError.ModelFailed, $"model '{request.ModelName}' has ended without a final response");
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

    /// <summary>Writes one message at a time, as gRPC demands.</summary>
    private sealed class AnswerWriter(IServerStreamWriter<ModelStreamInferResponse> responses) : IDisposable
    {
        private readonly SemaphoreSlim _turn = new(1);

        public async Task WriteAsync(ModelStreamInferResponse message, CancellationToken cancellationToken)
        {
            await _turn.WaitAsync(cancellationToken);
            try
            {
                await responses.WriteAsync(message, cancellationToken);
            }
            finally
            {
                _turn.Release();
            }
        }

        public void Dispose() => _turn.Dispose();
    }

    private readonly record struct Answer(ModelStreamInferResponse Message, Exception? Error);
}
