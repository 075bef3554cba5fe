using Grpc.AspNetCore.Server;

using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>The gRPC half of the front door.</summary>
internal static class GrpcExtensions
{
    /// <summary>What a message may have beside its tensors' bytes: names, shapes, parameters.</summary>
    private const int EnvelopeBytes = 64 * 1024;

    public static void AddInferenceGrpc(this IServiceCollection services)
    {
        services.AddGrpc(options =>
        {
            options.Interceptors.Add<ErrorInterceptor>();
            options.MaxSendMessageSize = null;
            // Its routes for services that do not exist would take wrong verbs on ours for such: 404 instead of 405.
            options.IgnoreUnknownServices = true;
        });
        services.AddOptions<GrpcServiceOptions>().Configure<IOptions<FrontDoorOptions>>((grpc, frontDoor) =>
            grpc.MaxReceiveMessageSize = (int)Math.Min(int.MaxValue, (long)frontDoor.Value.MaxRequestBytes + EnvelopeBytes));
        services.AddSingleton<ErrorInterceptor>();
        services.AddSingleton<MessageInference>();
        services.AddSingleton<StreamInference>();
        services.AddSingleton<InferenceService>();
        services.AddSingleton<HealthService>();
    }

    public static void MapInferenceGrpc(this WebApplication app)
    {
        app.UseWhen(HeldMessages.IsCall, calls => calls.UseMiddleware<HeldMessages>());
        app.MapGrpcService<InferenceService>();
        app.MapGrpcService<HealthService>();
    }
}
