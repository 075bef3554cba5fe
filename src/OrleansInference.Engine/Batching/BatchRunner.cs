using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Devices;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>Runs batches of one model instance and completes their requests, on the device thread.</summary>
internal sealed class BatchRunner(
    ModelId model,
    IModelInstance instance,
    Padding? padding,
    DeviceThread device,
    StatisticsRecorder statistics,
    Action<PendingRequest> expire,
    ILogger logger)
{
    // Only the device thread runs batches, one after the other.
    private readonly List<InferenceTensor[]> _items = [];

    /// <returns>How long the forward pass took; null where it failed.</returns>
    public TimeSpan? Run(ReadOnlySpan<PendingRequest> batch, BatchReason reason)
    {
        var started = device.Now;
        try
        {
            var result = RunInstance(batch);
            var ended = device.Now;
            statistics.RecordExecution(batch, reason, started, ended, result);
            for (var i = 0; i < batch.Length; i++) batch[i].TryComplete(result.Outputs[i]);
            return ended - started;
        }
        catch (Exception exception) when (batch.Length > 1)
        {
            // One bad item must not take its batch-mates with it: each gets a run of its own, and only the bad one fails.
            Log.BatchFailed(logger, exception, batch.Length, model);
            for (var i = 0; i < batch.Length; i++)
            {
                if (batch[i].IsCompleted) continue;
                if (batch[i].Deadline <= device.Now) expire(batch[i]);
                else Run(batch.Slice(i, 1), reason);
            }
        }
        catch (Exception exception)
        {
            var failure = exception as InferenceException ?? new InferenceException(
                InferenceError.ModelFailed, $"model '{model.Name}' version {model.Version} failed: {exception.Message}", exception);
            batch[0].TryFail(failure, statistics, device.Now);
        }

        return null;
    }

    private BatchResult RunInstance(ReadOnlySpan<PendingRequest> batch)
    {
        try
        {
            long length = 0;
            foreach (var request in batch) length = Math.Max(length, request.Bucket > 0 ? request.Bucket : request.Length);
            foreach (var request in batch) _items.Add(padding?.Pad(request.Inputs, request.Length, length) ?? request.Inputs);
            var result = instance.Run(_items);
            for (var i = 0; i < batch.Length; i++) padding?.Cut(result.Outputs[i], batch[i].Length, length);
            return result;
        }
        finally
        {
            _items.Clear();
        }
    }
}
