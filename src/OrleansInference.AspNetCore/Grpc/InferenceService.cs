using Grpc.Core;

using Inference;

using Microsoft.Extensions.Hosting;

using OrleansInference.AspNetCore.Endpoints;
using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>The protocol's service, over an <see cref="IInferenceClient"/>.</summary>
internal sealed class InferenceService(
    IInferenceClient client,
    MessageInference inference,
    StreamInference streams,
    FixedSettings settings,
    IHostApplicationLifetime lifetime) : GRPCInferenceService.GRPCInferenceServiceBase
{
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = client.IsReady && !lifetime.ApplicationStopping.IsCancellationRequested });

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context)
    {
        var metadata = ServerEndpoints.Metadata;
        return Task.FromResult(new ServerMetadataResponse { Name = metadata.Name, Version = metadata.Version, Extensions = { metadata.Extensions } });
    }

    public override async Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        var entry = await client.GetModelAsync(request.Name, ModelRoute.ParseVersion(request.Version), context.CancellationToken);
        return new() { Ready = entry.State == ModelState.Ready };
    }

    public override async Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context) =>
        (await client.GetMetadataAsync(request.Name, ModelRoute.ParseVersion(request.Version), context.CancellationToken)).ToMessage();

    public override async Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context)
    {
        var entry = await client.GetModelAsync(request.Name, ModelRoute.ParseVersion(request.Version), context.CancellationToken);
        return new() { Config = ConfigurationMessage.Read(entry.GetReadyDescriptor()) };
    }

    public override async Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context)
    {
        var model = request.Name.Length == 0 ? null : request.Name;
        var version = model is null ? null : ModelRoute.ParseVersion(request.Version);
        return (await client.GetStatisticsBodyAsync(model, version, context.CancellationToken)).ToMessage();
    }

    public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        if (request.Id.Length > 0) context.UserState[RequestId.Key] = request.Id;
        return inference.InferAsync(request, context.Deadline, context.CancellationToken);
    }

    public override Task ModelStreamInfer(
        IAsyncStreamReader<ModelInferRequest> requestStream, IServerStreamWriter<ModelStreamInferResponse> responseStream, ServerCallContext context) =>
        streams.RunAsync(requestStream, responseStream, context);

    public override async Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context) =>
        (await client.GetIndexAsync(request.Ready, context.CancellationToken)).ToMessage();

    public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context)
    {
        await client.LoadModelAsync(request.ModelName, ModelChangeParameters.ReadOverride(request.Parameters), context.CancellationToken);
        return new();
    }

    public override async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(
        RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        await client.UnloadModelAsync(request.ModelName, ModelChangeParameters.ReadDependents(request.Parameters), context.CancellationToken);
        return new();
    }

    public override async Task<TraceSettingResponse> TraceSetting(TraceSettingRequest request, ServerCallContext context)
    {
        if (request.ModelName.Length > 0) await client.GetModelAsync(request.ModelName, cancellationToken: context.CancellationToken);
        return settings.Ask(request);
    }

    public override Task<LogSettingsResponse> LogSettings(LogSettingsRequest request, ServerCallContext context) =>
        Task.FromResult(settings.Ask(request));

    public override Task<SystemSharedMemoryStatusResponse> SystemSharedMemoryStatus(
        SystemSharedMemoryStatusRequest request, ServerCallContext context) => throw NoSharedMemory();

    public override Task<SystemSharedMemoryRegisterResponse> SystemSharedMemoryRegister(
        SystemSharedMemoryRegisterRequest request, ServerCallContext context) => throw NoSharedMemory();

    public override Task<SystemSharedMemoryUnregisterResponse> SystemSharedMemoryUnregister(
        SystemSharedMemoryUnregisterRequest request, ServerCallContext context) => throw NoSharedMemory();

    public override Task<CudaSharedMemoryStatusResponse> CudaSharedMemoryStatus(
        CudaSharedMemoryStatusRequest request, ServerCallContext context) => throw NoSharedMemory();

    public override Task<CudaSharedMemoryRegisterResponse> CudaSharedMemoryRegister(
        CudaSharedMemoryRegisterRequest request, ServerCallContext context) => throw NoSharedMemory();

    public override Task<CudaSharedMemoryUnregisterResponse> CudaSharedMemoryUnregister(
        CudaSharedMemoryUnregisterRequest request, ServerCallContext context) => throw NoSharedMemory();

    private static RpcException NoSharedMemory() => Unimplemented("shared memory is not supported: send tensors in the request");

    private static RpcException Unimplemented(string message) => new(new(StatusCode.Unimplemented, message));
}
