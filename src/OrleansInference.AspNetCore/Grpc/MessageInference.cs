using Inference;

using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Endpoints;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Answers one message, alone or in a stream.</summary>
internal sealed class MessageInference(IInferenceClient client, IOptions<FrontDoorOptions> options, TimeProvider time)
{
    /// <param name="message">The request.</param>
    /// <param name="callDeadline">The deadline that the caller's gRPC library has sent; <see cref="DateTime.MaxValue"/> for none.</param>
    /// <param name="cancellationToken">The caller has left.</param>
    public async Task<ModelInferResponse> InferAsync(ModelInferRequest message, DateTime callDeadline, CancellationToken cancellationToken)
    {
        var received = time.GetUtcNow();
        var version = ModelRoute.ParseVersion(message.ModelVersion);
        var entry = await client.GetModelAsync(message.ModelName, version, cancellationToken);
        var descriptor = entry.GetReadyDescriptor();
        var call = InferMessageReader.Read(message, options.Value.MaxRequestBytes);
        call.CheckOutputs(descriptor);
        var request = call.ToRequest(message.ModelName, version, received, ToLimit(callDeadline, received));
        return InferMessageWriter.Write(call, await client.InferAsync(request, cancellationToken), descriptor);
    }

    /// <summary>Callers set deadlines of hours where they mean none; unlike a timeout in the request, that is no mistake.</summary>
    private static DateTimeOffset? ToLimit(DateTime callDeadline, DateTimeOffset received)
    {
        if (callDeadline == DateTime.MaxValue) return null;
        var longest = received + InferenceClientOptions.MaxTimeout;
        return callDeadline < longest.UtcDateTime ? new(callDeadline) : longest;
    }
}
