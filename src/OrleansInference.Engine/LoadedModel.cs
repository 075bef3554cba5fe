using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine;

/// <summary>A model instance with its queue.</summary>
internal sealed class LoadedModel : ILoadedModel
{
    private readonly ModelVersion _version;
    private readonly IModelInstance _instance;
    private readonly DeviceThread _device;
    private readonly StatisticsRecorder _statistics;
    private readonly Batcher _batcher;

    public LoadedModel(ModelVersion version, IModelInstance instance, BatchingOptions batching, DeviceThread device, ILogger logger)
    {
        _version = version;
        _instance = instance;
        _device = device;
        _statistics = new(device.Time);
        _batcher = new(version.Id, instance, batching, device, _statistics, logger);
    }

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        var inputs = _version.Network.Bind(request, out var rows);
        var outputs = await _batcher.EnqueueAsync(inputs, rows, request.Deadline, cancellationToken).ConfigureAwait(false);
        return new() { Model = _version.Id, Outputs = ModelSignature.Select(request, outputs) };
    }

    public ModelStatistics GetStatistics() => _statistics.Read(_batcher.QueueDepth);

    public async ValueTask DisposeAsync()
    {
        await _batcher.CloseAsync().ConfigureAwait(false);
        await _device.InvokeAsync(() =>
        {
            _instance.Dispose();
            return true;
        }).ConfigureAwait(false);
    }
}
