using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Devices;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>
/// The bounded queue of one model instance, and the batches formed of it. Callers enqueue from any thread; the
/// <see cref="DeviceThread"/> takes batches and runs them.
/// </summary>
/// <remarks>
/// The policy is work-conserving: with no delay configured a batch is due whenever the device is free, so that an idle server adds
/// nothing and a busy one batches whatever has come meanwhile.
/// </remarks>
internal sealed class Batcher(
    ModelId model, IModelInstance instance, BatchingOptions options, DeviceThread device, StatisticsRecorder statistics, ILogger logger)
{
    private readonly LinkedList<PendingRequest> _queue = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _queuedRows;
    private bool _running;
    private bool _closed;

    public int QueueDepth
    {
        get
        {
            lock (device.Gate) return _queue.Count;
        }
    }

    public bool IsEmpty_NeedsLock => _queue.Count == 0;

    /// <summary>
    /// When the request came that has waited longest; 0 where the queue is empty, which cancelled requests leave behind until the device
    /// looks again.
    /// </summary>
    public long FirstEnqueued_NeedsLock => _queue.First is not { } first ? 0
        : options.PriorityLevels == 0 ? first.Value.Enqueued
        : _queue.Min(request => request.Enqueued);

    /// <summary>Queues a request.</summary>
    /// <exception cref="InferenceException">The queue is full, the deadline has passed, or the batcher is closed.</exception>
    public Task<InferenceTensor[]> EnqueueAsync(
        InferenceTensor[] inputs, int rows, int priority, bool isAdmitted, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        if (priority < 1 || priority > options.PriorityLevels) priority = options.DefaultPriority;
        var request = new PendingRequest(inputs, rows, priority, isAdmitted, deadline, device.Time.GetTimestamp());
        // Registered before it is queued: what completes it then finds the registration, and a token that fires early a request
        // that is not queued at all.
        request.Registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var (batcher, request) = ((Batcher, PendingRequest))state!;
                batcher.Cancel(request, token);
            },
            (this, request));

        lock (device.Gate)
        {
            if (request.Task.IsCompleted) return request.Task;
            if (Refuse_NeedsLock(request) is { } refusal)
            {
                statistics.RecordFailure(TimeSpan.Zero);
                request.TryFail(refusal);
                return request.Task;
            }

            // A full queue gives up the least urgent that waits for one that is more urgent.
            if (!isAdmitted && _queue.Count >= options.MaxQueueSize) Displace_NeedsLock(_queue.Last!.Value);

            Insert_NeedsLock(request);
            _queuedRows += rows;
            device.Signal_NeedsLock(this);
        }

        return request.Task;
    }

    /// <summary>Refuses new requests, lets those that wait finish, and returns when the last one has.</summary>
    public Task CloseAsync()
    {
        lock (device.Gate)
        {
            _closed = true;
            if (_queue.Count > 0) device.Signal_NeedsLock(this);
            SignalDrained_NeedsLock();
        }

        return _drained.Task;
    }

    /// <summary>How long the batch must still wait for more rows; zero or less where it is due.</summary>
    public TimeSpan GetRemainingDelay_NeedsLock()
    {
        if (_queue.Count == 0 || _closed || device.IsStopping_NeedsLock || options.MaxQueueDelay <= TimeSpan.Zero) return TimeSpan.Zero;
        var enough = options.PreferredBatchSizes is [var smallest, ..] ? smallest : options.MaxBatchSize;
        return _queuedRows >= enough
            ? TimeSpan.Zero
            : options.MaxQueueDelay - device.Time.GetElapsedTime(FirstEnqueued_NeedsLock);
    }

    /// <summary>
    /// Takes the first request and those behind it that have its shapes: the largest preferred batch size that can be met exactly, else
    /// as many rows as fit. Requests whose deadline has passed leave on the way; the batch may come out empty.
    /// </summary>
    public List<PendingRequest> TakeBatch_NeedsLock()
    {
        DropExpired_NeedsLock();
        _running = true;
        if (_queue.First is not { } first) return [];

        var batch = new List<PendingRequest> { first.Value };
        var rows = first.Value.Rows;
        var preferred = 0;
        for (var node = first.Next; ; node = node.Next)
        {
            if (options.PreferredBatchSizes.Contains(rows)) preferred = batch.Count;
            if (node is null || rows >= options.MaxBatchSize) break;
            if (!node.Value.HasSameShapes(first.Value)) continue;
            // Stop at the first that does not fit, rather than let smaller ones pass it for ever.
            if (rows + node.Value.Rows > options.MaxBatchSize) break;
            batch.Add(node.Value);
            rows += node.Value.Rows;
        }

        if (preferred > 0) batch.RemoveRange(preferred, batch.Count - preferred);
        foreach (var request in batch) Remove_NeedsLock(request);
        return batch;
    }

    /// <summary>Runs a batch that <see cref="TakeBatch_NeedsLock"/> has formed, on the device thread.</summary>
    public void Run(List<PendingRequest> batch)
    {
        try
        {
            if (batch.Count > 0) RunTogether(batch);
        }
        finally
        {
            lock (device.Gate)
            {
                _running = false;
                SignalDrained_NeedsLock();
            }
        }
    }

    private void RunTogether(List<PendingRequest> batch)
    {
        var started = device.Time.GetTimestamp();
        try
        {
            var result = instance.Run([.. batch.Select(request => request.Inputs)]);
            statistics.RecordExecution(batch, started, result);
            for (var i = 0; i < batch.Count; i++) batch[i].TryComplete(result.Outputs[i]);
        }
        catch (Exception exception) when (batch.Count > 1)
        {
            // One bad item must not take its batch-mates with it: each gets a run of its own, and only the bad one fails.
            Log.BatchFailed(logger, exception, batch.Count, model);
            foreach (var request in batch)
            {
                if (request.Task.IsCompleted) continue;
                if (request.IsExpired(device.Time.GetUtcNow())) Expire(request);
                else RunTogether([request]);
            }
        }
        catch (Exception exception)
        {
            statistics.RecordFailure(device.Time.GetElapsedTime(batch[0].Enqueued));
            batch[0].TryFail(exception as InferenceException ?? new InferenceException(
                InferenceError.ModelFailed, $"model '{model.Name}' version {model.Version} failed: {exception.Message}", exception));
        }
    }

    private InferenceException? Refuse_NeedsLock(PendingRequest request)
    {
        if (_closed)
            return new(InferenceError.NotReady, $"model '{model.Name}' version {model.Version} is being unloaded");
        if (device.IsStopping_NeedsLock)
            return new(InferenceError.Unavailable, $"device {device.Device.Name} is shutting down");
        if (request.IsExpired(device.Time.GetUtcNow()))
            return Expired();
        var hasPlace = request.IsAdmitted || _queue.Count < options.MaxQueueSize ||
            (_queue.Last is { Value: { IsAdmitted: false } last } && last.Priority > request.Priority);
        return hasPlace ? null : Full_NeedsLock();
    }

    private InferenceException Full_NeedsLock() => new(
        InferenceError.QueueFull,
        $"Exceeds maximum queue size: model '{model.Name}' has {_queue.Count} of {options.MaxQueueSize} requests waiting on {device.Device.Name}");

    private void Displace_NeedsLock(PendingRequest request)
    {
        var refusal = Full_NeedsLock();
        Remove_NeedsLock(request);
        statistics.RecordFailure(device.Time.GetElapsedTime(request.Enqueued));
        request.TryFail(refusal);
    }

    private InferenceException Expired() => new(
        InferenceError.DeadlineExceeded, $"Request timeout expired while it waited for model '{model.Name}' on {device.Device.Name}");

    private void Expire(PendingRequest request)
    {
        statistics.RecordFailure(device.Time.GetElapsedTime(request.Enqueued));
        request.TryFail(Expired());
    }

    private void Cancel(PendingRequest request, CancellationToken cancellationToken)
    {
        if (!request.TryCancel(cancellationToken)) return;
        statistics.RecordFailure(device.Time.GetElapsedTime(request.Enqueued));
        lock (device.Gate)
        {
            Remove_NeedsLock(request);
            SignalDrained_NeedsLock();
        }
    }

    private void DropExpired_NeedsLock()
    {
        var now = device.Time.GetUtcNow();
        for (var node = _queue.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.IsExpired(now))
            {
                Remove_NeedsLock(node.Value);
                Expire(node.Value);
            }

            node = next;
        }
    }

    /// <summary>Behind all that are as urgent: almost always at the end.</summary>
    private void Insert_NeedsLock(PendingRequest request)
    {
        var before = _queue.Last;
        while (before is not null && before.Value.Priority > request.Priority) before = before.Previous;
        request.Node = before is null ? _queue.AddFirst(request) : _queue.AddAfter(before, request);
    }

    private void Remove_NeedsLock(PendingRequest request)
    {
        if (request.Node is not { } node) return;
        _queue.Remove(node);
        request.Node = null;
        _queuedRows -= request.Rows;
    }

    private void SignalDrained_NeedsLock()
    {
        if (_closed && !_running && _queue.Count == 0) _drained.TrySetResult();
    }
}
