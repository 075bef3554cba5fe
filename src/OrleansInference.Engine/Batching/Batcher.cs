using System.Globalization;
using System.Runtime.InteropServices;

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
internal sealed class Batcher
{
    private readonly ModelId _model;
    private readonly DeviceThread _device;
    private readonly StatisticsRecorder _statistics;
    private readonly RequestQueue _queue;
    private readonly BatchFormer _former;
    private readonly BatchRunner _runner;
    private readonly Padding? _padding;
    private readonly LatencyModel _latency = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The batch that is taken and run: only the device thread does either, one batch after the other.
    private readonly List<PendingRequest> _batch = [];
    private BatchReason _reason;
    private int _rows;
    private bool _running;
    private TimeSpan _lastUsed;
    private bool _closed;

    public Batcher(
        ModelId model, IModelInstance instance, BatchingOptions options, DeviceThread device, StatisticsRecorder statistics, ILogger logger)
    {
        _model = model;
        _device = device;
        _statistics = statistics;
        _lastUsed = device.Now;
        _padding = options.Padding;
        _queue = new(options, Expire);
        _former = new(options, _queue, _latency);
        _runner = new(model, instance, options.Padding, device, statistics, Expire, logger);
    }

    public int QueueDepth
    {
        get
        {
            lock (_device.Gate) return _queue.Count;
        }
    }

    /// <summary>Whether nothing waits and nothing runs.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_device.Gate) return _queue.Count == 0 && !_running;
        }
    }

    /// <summary>When the latest request came, by the device's clock.</summary>
    public TimeSpan LastUsed
    {
        get
        {
            lock (_device.Gate) return _lastUsed;
        }
    }

    public bool IsEmpty_NeedsLock => _queue.Count == 0;

    /// <summary>Whether the device knows that requests wait here. The device's own note.</summary>
    public bool IsSignalled_NeedsLock { get; set; }

    /// <summary>When the request came that is served next.</summary>
    public TimeSpan HeadEnqueued_NeedsLock => _queue.First?.Enqueued ?? TimeSpan.MaxValue;

    /// <summary>Queues a request. The answer is to be awaited once.</summary>
    /// <exception cref="InferenceException">
    /// The queue is full, the deadline has passed or cannot be met, the batcher is closed, or the inputs are too long.
    /// </exception>
    public ValueTask<InferenceTensor[]> EnqueueAsync(
        InferenceTensor[] inputs, int rows, int priority, bool isAdmitted, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        long bucket = 0;
        var length = _padding?.Measure(inputs, out bucket) ?? 0;
        var now = _device.Now;
        var ends = deadline is { } end ? now + (end - _device.Time.GetUtcNow()) : TimeSpan.MaxValue;
        var request = new PendingRequest(this, _queue.LaneOf(priority), inputs, rows, isAdmitted, now, ends) { Length = length, Bucket = bucket };
        // Before it is queued: a token that fires early finds a request that is not queued at all.
        request.Register(cancellationToken);
        lock (_device.Gate)
        {
            if (request.IsCompleted) return request.Answer;
            if (Refuse_NeedsLock(request, now) is { } refusal)
            {
                request.TryFail(refusal, _statistics, now);
                return request.Answer;
            }

            _queue.Add(request);
            _lastUsed = now;
            _device.Signal_NeedsLock(this);
        }

        return request.Answer;
    }

    /// <summary>Counts and removes a request that its caller has cancelled.</summary>
    public void Forget(PendingRequest request)
    {
        _statistics.RecordFailure(_device.Now - request.Enqueued);
        lock (_device.Gate)
        {
            if (request.IsQueued) _queue.Remove(request);
            SignalDrained_NeedsLock();
        }
    }

    /// <summary>Refuses new requests, lets those that wait finish, and returns when the last one has.</summary>
    public Task CloseAsync()
    {
        lock (_device.Gate)
        {
            _closed = true;
            if (_queue.Count > 0) _device.Signal_NeedsLock(this);
            SignalDrained_NeedsLock();
        }

        return _drained.Task;
    }

    /// <summary>How long the batch must still wait for more rows; zero or less where it is due.</summary>
    public TimeSpan GetRemainingDelay_NeedsLock(TimeSpan now) =>
        _closed || _device.IsStopping_NeedsLock ? TimeSpan.Zero : _former.GetRemainingDelay(now);

    /// <summary>How long the next batch is going to take; zero where nothing is known.</summary>
    public TimeSpan PredictNext_NeedsLock() => _latency.Predict(Math.Min(_queue.Rows, _former.MaxRows));

    /// <summary>
    /// Forms the batch that <see cref="Run"/> runs next. Requests that have waited for too long leave on the way; it may come out empty.
    /// </summary>
    /// <returns>How long it is going to take; zero where nothing is known.</returns>
    public TimeSpan TakeBatch_NeedsLock(TimeSpan now)
    {
        _queue.Expire(now);
        _reason = _former.Form(_batch, now);
        _rows = 0;
        foreach (var request in _batch) _rows += request.Rows;
        _running = true;
        return _latency.Predict(_rows);
    }

    /// <summary>Runs the batch that was taken, on the device thread.</summary>
    public void Run()
    {
        TimeSpan? duration = null;
        try
        {
            if (_rows > 0) duration = _runner.Run(CollectionsMarshal.AsSpan(_batch), _reason);
        }
        finally
        {
            _batch.Clear();
            lock (_device.Gate)
            {
                if (duration is { } time) _latency.Observe(_rows, time, _device.Now);
                _running = false;
                SignalDrained_NeedsLock();
            }
        }
    }

    /// <summary>Why a request is not queued; null where there is a place for it, which may have been another's.</summary>
    private InferenceException? Refuse_NeedsLock(PendingRequest request, TimeSpan now)
    {
        if (_closed)
            return new(InferenceError.NotReady, $"model '{_model.Name}' version {_model.Version} is being unloaded");
        if (_device.IsStopping_NeedsLock)
            return new(InferenceError.Unavailable, $"device {_device.Device.Name} is shutting down");
        if (request.Deadline <= now)
            return Expired();
        // A place may be held by one whose time is over, which nobody has looked at while a batch runs.
        if (request.Lane.Bound.IsFull) _queue.Expire(now);
        if (!_queue.HasPlace(request, out var displaced)) return Full(request.Lane);
        if (RefuseTooLate_NeedsLock(request, now) is { } tooLate) return tooLate;
        if (displaced is not null) Displace_NeedsLock(displaced, now);
        return null;
    }

    /// <summary>
    /// Refuses a request that would miss its deadline by far: what is counted before it is the least that comes before it, and who would
    /// just make it, were the prediction a little wrong, gets the chance.
    /// </summary>
    private InferenceException? RefuseTooLate_NeedsLock(PendingRequest request, TimeSpan now)
    {
        if (request.IsAdmitted || request.Deadline == TimeSpan.MaxValue) return null;
        if (!_latency.IsReady || !(_running || _latency.IsFresh(now))) return null;
        var before = _queue.RowsBefore(request);
        // One that is larger than batches are now runs by itself, in one pass.
        var maxRows = Math.Max(_former.MaxRows, request.Rows);
        var estimate = _device.GetWait_NeedsLock(this, now) + _latency.Predict(before + request.Rows, maxRows);
        var left = request.Deadline - now;
        if (estimate <= BatchFormer.Margin * left) return null;
        return new(InferenceError.QueueFull, string.Create(
            CultureInfo.InvariantCulture,
            $"Cannot be served in time: model '{_model.Name}' on {_device.Device.Name}, with {before} rows waiting before this request, " +
            $"would answer in about {estimate.TotalMilliseconds:F1} ms, but its timeout expires in {left.TotalMilliseconds:F1} ms"));
    }

    private void Displace_NeedsLock(PendingRequest request, TimeSpan now)
    {
        var refusal = Full(request.Lane);
        _queue.Remove(request);
        request.TryFail(refusal, _statistics, now);
    }

    private void Expire(PendingRequest request) => request.TryFail(Expired(), _statistics, _device.Now);

    private InferenceException Full(RequestLane lane) => new(
        InferenceError.QueueFull,
        $"Exceeds maximum queue size: model '{_model.Name}' has {lane.Bound.Count} of {lane.Bound.Limit} requests waiting on {_device.Device.Name}");

    private InferenceException Expired() => new(
        InferenceError.DeadlineExceeded, $"Request timeout expired while it waited for model '{_model.Name}' on {_device.Device.Name}");

    private void SignalDrained_NeedsLock()
    {
        if (_closed && !_running && _queue.Count == 0) _drained.TrySetResult();
    }
}
