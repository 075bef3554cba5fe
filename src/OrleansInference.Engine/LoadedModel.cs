using System.Runtime.CompilerServices;

using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Memory;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine;

/// <summary>A model instance with its queue.</summary>
internal sealed class LoadedModel : ILoadedModel
{
    private readonly ModelVersion _version;
    private readonly IModelInstance _instance;
    private readonly DeviceThread _device;
    private readonly StatisticsRecorder _statistics;
    private readonly Batcher _batcher;
    private readonly DeviceMemory.Room? _room;
    private int _streams;

    public LoadedModel(
        ModelVersion version,
        IModelInstance instance,
        BatchingOptions batching,
        DeviceThread device,
        ILogger logger,
        DeviceMemory.Room? room = null,
        string checksum = "")
    {
        _room = room;
        Checksum = checksum;
        _version = version;
        _instance = instance;
        _device = device;
        _statistics = new(device.Time);
        _batcher = new(version.Id, instance, batching, device, _statistics, logger);
    }

    public long MemoryBytes => _room?.Bytes ?? 0;

    public string Checksum { get; }

    /// <summary>Whether nobody waits for it.</summary>
    public bool IsIdle => Volatile.Read(ref _streams) == 0 && _batcher.IsIdle;

    /// <summary>When it was asked last, or loaded, by the device's clock.</summary>
    public TimeSpan LastUsed => _batcher.LastUsed;

    public async Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken)
    {
        if (_version.Config.Iteration is not null)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"model '{_version.Id.Name}' answers more than once: ask it for a stream of responses");
        }

        var inputs = _version.Network.Bind(request, out var rows);
        using var outstanding = _device.BeginRequest();
        return Respond(request, await RunAsync(request, inputs, rows, isAdmitted: false, cancellationToken).ConfigureAwait(false));
    }

    public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
        InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inputs = _version.Network.Bind(request, out var rows);
        using var outstanding = _device.BeginRequest();
        Interlocked.Increment(ref _streams);
        try
        {
            for (var step = 1; ; step++)
            {
                var outputs = await RunAsync(request, inputs, rows, isAdmitted: step > 1, cancellationToken).ConfigureAwait(false);
                var next = _version.Config.Iteration is { } iteration && step < iteration.MaxSteps ? FeedBack(iteration, inputs, outputs) : null;
                yield return Respond(request, outputs) with { IsFinal = next is null };
                if (next is null) yield break;
                inputs = next;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
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
        _room?.Dispose();
    }

    private ValueTask<InferenceTensor[]> RunAsync(
        InferenceRequest request, InferenceTensor[] inputs, int rows, bool isAdmitted, CancellationToken cancellationToken) =>
        _batcher.EnqueueAsync(inputs, rows, request.Priority, isAdmitted, request.Deadline, cancellationToken);

    private InferenceResponse Respond(InferenceRequest request, InferenceTensor[] outputs) =>
        new() { Model = _version.Id, Outputs = ModelSignature.Select(request, outputs), DeviceLoad = _device.Outstanding - 1 };

    /// <summary>The inputs of the next pass; null where this was the last.</summary>
    private InferenceTensor[]? FeedBack(Iteration iteration, InferenceTensor[] inputs, InferenceTensor[] outputs)
    {
        // Of several rows all must be done: they were asked together.
        if (iteration.Stop is { } stop && !Find(stop).AsSpan<bool>().Contains(false)) return null;
        var next = inputs.ToArray();
        foreach (var (output, input) in iteration.FeedBack)
        {
            var place = Array.FindIndex(next, tensor => tensor.Name == input);
            next[place] = Find(output).Rename(input);
            var expected = _version.Network.Inputs[place];
            if (expected.AnyRank || TensorShape.Matches(expected.Shape, next[place].Shape)) continue;
            throw new InferenceException(
                InferenceError.ModelFailed,
                $"model '{_version.Id.Name}' failed: output '{output}' came out with shape {TensorShape.Format(next[place].Shape)}, " +
                $"but input '{input}', to which it is fed back, expects {TensorShape.Format(expected.Shape)}");
        }

        return next;

        InferenceTensor Find(string name) => Array.Find(outputs, tensor => tensor.Name == name)!;
    }
}
