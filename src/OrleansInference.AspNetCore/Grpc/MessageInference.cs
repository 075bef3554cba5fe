using System.Runtime.CompilerServices;

using Grpc.Core;

using Inference;

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Endpoints;
using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Answers one message, alone or in a stream.</summary>
internal sealed class MessageInference(
    IInferenceClient client, IOptions<FrontDoorOptions> options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    /// <param name="message">The request.</param>
    /// <param name="callDeadline">The deadline that the caller's gRPC library has sent; <see cref="DateTime.MaxValue"/> for none.</param>
    /// <param name="cancellationToken">The caller has left.</param>
    /// <exception cref="RpcException">The model answers more than once.</exception>
    public async Task<ModelInferResponse> InferAsync(ModelInferRequest message, DateTime callDeadline, CancellationToken cancellationToken)
    {
        var (call, request, descriptor) = await ReadAsync(message, callDeadline, cancellationToken);
        if (descriptor.IsDecoupled)
        {
            throw new RpcException(new(
                StatusCode.Unimplemented,
                $"ModelInfer RPC doesn't support models with decoupled transaction policy, as '{message.ModelName}' is: use ModelStreamInfer"));
        }

        return InferMessageWriter.Write(call, await client.InferAsync(request, cancellationToken), descriptor);
    }

    /// <summary>The answers to one message of a stream: several, where the model answers more than once. The last one is final.</summary>
    public async IAsyncEnumerable<(ModelInferResponse Message, bool IsFinal)> InferStreamAsync(
        ModelInferRequest message, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (call, request, descriptor) = await ReadAsync(message, DateTime.MaxValue, cancellationToken);
        if (!descriptor.IsDecoupled)
        {
            yield return ToMessage(call, await client.InferAsync(request, cancellationToken), descriptor);
            yield break;
        }

        await foreach (var response in client.InferStreamAsync(request, cancellationToken))
            yield return ToMessage(call, response, descriptor);
    }

    private async Task<(InferCall Call, InferenceRequest Request, ModelDescriptor Model)> ReadAsync(
        ModelInferRequest message, DateTime callDeadline, CancellationToken cancellationToken)
    {
        lifetime.RefuseWhenStopping();
        var received = time.GetUtcNow();
        var version = ModelRoute.ParseVersion(message.ModelVersion);
        var descriptor = await client.GetDescriptorAsync(message.ModelName, version, cancellationToken);
        var call = InferMessageReader.Read(message, options.Value.MaxRequestBytes, descriptor);
        call.CheckOutputs(descriptor);
        return (call, call.ToRequest(message.ModelName, version, received, ToLimit(callDeadline, received)), descriptor);
    }

    private static (ModelInferResponse Message, bool IsFinal) ToMessage(InferCall call, InferenceResponse response, ModelDescriptor model)
    {
        var message = InferMessageWriter.Write(call, response, model);
        message.Parameters.Add("triton_final_response", new InferParameter { BoolParam = response.IsFinal });
        return (message, response.IsFinal);
    }

    /// <summary>Callers set deadlines of hours where they mean none; unlike a timeout in the request, that is no mistake.</summary>
    private static DateTimeOffset? ToLimit(DateTime callDeadline, DateTimeOffset received)
    {
        if (callDeadline == DateTime.MaxValue) return null;
        var longest = received + InferenceClientOptions.MaxTimeout;
        return callDeadline < longest.UtcDateTime ? new(callDeadline) : longest;
    }
}
