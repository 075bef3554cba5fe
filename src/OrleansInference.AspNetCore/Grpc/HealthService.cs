using Grpc.Core;
using Grpc.Health.V1;

using Inference;

using Microsoft.Extensions.Hosting;

using OrleansInference.Client;

using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>
/// The standard health service. A service is the server as a whole, under no name or the protocol's, or a model under its own.
/// </summary>
internal sealed class HealthService(IInferenceClient client, IHostApplicationLifetime lifetime, TimeProvider time) : Health.HealthBase
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        var status = await GetStatusAsync(request.Service, context.CancellationToken);
        return status == ServingStatus.ServiceUnknown
            ? throw new InferenceException(InferenceError.NotFound, $"there is no service or model '{request.Service}'")
            : new() { Status = status };
    }

    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(WatchInterval, time);
        var last = ServingStatus.Unknown;
        try
        {
            do
            {
                var status = await GetStatusAsync(request.Service, end.Token);
                if (status == last) continue;
                last = status;
                await responseStream.WriteAsync(new() { Status = status }, context.CancellationToken);
            }
            while (await timer.WaitForNextTickAsync(end.Token));
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Watchers must not hold up the server's end.
            if (last != ServingStatus.NotServing)
                await responseStream.WriteAsync(new() { Status = ServingStatus.NotServing }, context.CancellationToken);
        }
    }

    private async Task<ServingStatus> GetStatusAsync(string service, CancellationToken cancellationToken)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return ServingStatus.NotServing;
        if (service.Length == 0 || service == GRPCInferenceService.Descriptor.FullName)
            return client.IsReady ? ServingStatus.Serving : ServingStatus.NotServing;
        try
        {
            var model = await client.GetModelAsync(service, cancellationToken: cancellationToken);
            return model.State == ModelState.Ready ? ServingStatus.Serving : ServingStatus.NotServing;
        }
        catch (InferenceException exception)
        {
            return exception.Error == InferenceError.NotFound ? ServingStatus.ServiceUnknown : ServingStatus.NotServing;
        }
    }
}
