using Grpc.Core;
using Grpc.Net.Client;

using Inference;

namespace OrleansInference.Benchmarks.Load;

/// <summary>The gRPC client that .NET programs use; each caller has a connection of its own.</summary>
internal sealed class GrpcConnection(int port, ModelInferRequest request) : IConnection
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(
        $"http://127.0.0.1:{port}", new() { HttpHandler = new SocketsHttpHandler(), DisposeHttpClient = true, MaxReceiveMessageSize = null });

    public async Task<int> SendAsync()
    {
        try
        {
            await new GRPCInferenceService.GRPCInferenceServiceClient(_channel).ModelInferAsync(request);
            return StatusCodes.Status200OK;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
        {
            return StatusCodes.Status429TooManyRequests;
        }
    }

    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }
}
