namespace OrleansInference.Engine.Batching;

/// <summary>Counts what one model instance does. Batch sizes are bounded by the model's limit, and so is what is kept of them.</summary>
internal sealed class StatisticsRecorder(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Phases> _batches = [];
    private readonly Phases _requests = new();
    private readonly long[] _reasons = new long[Enum.GetValues<BatchReason>().Length];
    private DateTimeOffset? _last;
    private long _rows;
    private long _executions;
    private DurationStatistics _success;
    private DurationStatistics _fail;
    private DurationStatistics _queue;

    /// <param name="batch">The requests, none of which this pass has answered yet.</param>
    /// <param name="reason">Why the batch was sent.</param>
    /// <param name="started">When the pass began, by the device's clock.</param>
    /// <param name="ended">When it ended.</param>
    /// <param name="result">What it gave.</param>
    public void RecordExecution(ReadOnlySpan<PendingRequest> batch, BatchReason reason, TimeSpan started, TimeSpan ended, BatchResult result)
    {
        TimeSpan queue = default, whole = default;
        int rows = 0, answered = 0;
        foreach (var request in batch)
        {
            rows += request.Rows;
            // One that was cancelled meanwhile has been counted as a failure.
            if (request.IsCompleted) continue;
            answered++;
            queue += started - request.Enqueued;
            whole += ended - request.Enqueued;
        }

        var now = time.GetUtcNow();
        lock (_gate)
        {
            _last = now;
            _rows += rows;
            _executions++;
            _reasons[(int)reason]++;
            _success += new DurationStatistics(answered, ToNanoseconds(whole));
            _queue += new DurationStatistics(answered, ToNanoseconds(queue));
            // Every request of a batch spends the batch's whole time.
            _requests.Add(result, answered);
            if (!_batches.TryGetValue(rows, out var same)) _batches.Add(rows, same = new());
            same.Add(result, 1);
        }
    }

    public void RecordFailure(TimeSpan whole)
    {
        lock (_gate) _fail += new DurationStatistics(1, ToNanoseconds(whole));
    }

    public ModelStatistics Read(int queueDepth)
    {
        lock (_gate)
        {
            return new()
            {
                LastInference = _last,
                InferenceCount = _rows,
                ExecutionCount = _executions,
                Success = _success,
                Fail = _fail,
                Queue = _queue,
                ComputeInput = _requests.Input,
                ComputeInfer = _requests.Infer,
                ComputeOutput = _requests.Output,
                Batches = [.. _batches.Select(batch => new BatchStatistics(batch.Key, batch.Value.Input, batch.Value.Infer, batch.Value.Output))],
                QueueDepth = queueDepth,
                Reasons = new(
                    _reasons[(int)BatchReason.Full],
                    _reasons[(int)BatchReason.Idle],
                    _reasons[(int)BatchReason.Delay],
                    _reasons[(int)BatchReason.Deadline]),
            };
        }
    }

    private static long ToNanoseconds(TimeSpan duration) => duration.Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>How often a pass was counted, and for how long its phases took.</summary>
    private sealed class Phases
    {
        public DurationStatistics Input { get; private set; }

        public DurationStatistics Infer { get; private set; }

        public DurationStatistics Output { get; private set; }

        public void Add(BatchResult result, int times)
        {
            Input += Times(result.Input, times);
            Infer += Times(result.Infer, times);
            Output += Times(result.Output, times);
        }

        private static DurationStatistics Times(TimeSpan one, int count) => new(count, count * ToNanoseconds(one));
    }
}
