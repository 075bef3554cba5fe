using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

using Inference;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>The front door with a gRPC client before it.</summary>
internal sealed class GrpcDoor : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    private GrpcDoor(FrontDoor door)
    {
        Door = door;
        _channel = door.OpenChannel();
        Api = new(_channel);
        Health = new(_channel);
    }

    public FrontDoor Door { get; }

    public ScriptedClient Client => Door.Client;

    public GRPCInferenceService.GRPCInferenceServiceClient Api { get; }

    public Health.HealthClient Health { get; }

    public static async Task<GrpcDoor> StartAsync(int? maxRequestBytes = null, long? maxHeldBytes = null) =>
        new(await FrontDoor.StartAsync(maxRequestBytes, maxHeldBytes));

    /// <summary>Asserts the status, and that its message holds all of the fragments.</summary>
    public static async Task<RpcException> AssertStatusAsync(StatusCode status, Func<Task> call, params string[] fragments)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(status == exception.StatusCode, $"{exception.StatusCode} instead of {status}: {exception.Status.Detail}");
        Assert.NotEmpty(exception.Status.Detail);
        foreach (var fragment in fragments) Assert.Contains(fragment, exception.Status.Detail, StringComparison.Ordinal);
        return exception;
    }

    public Task<RpcException> AssertRefusedAsync(ModelInferRequest request, params string[] fragments) =>
        AssertStatusAsync(StatusCode.InvalidArgument, async () => await Api.ModelInferAsync(request), fragments);

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Door.DisposeAsync();
    }
}
