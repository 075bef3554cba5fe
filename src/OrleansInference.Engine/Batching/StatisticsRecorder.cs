namespace OrleansInference.Engine.Batching;

/// <summary>Counts what one model instance does. Batch sizes are bounded by the model's limit, and so is what is kept of them.</summary>
internal sealed class StatisticsRecorder(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, BatchStatistics> _batches = [];
    private ModelStatistics _total = new();

    public void RecordExecution(IReadOnlyList<PendingRequest> batch, long started, BatchResult result)
    {
        var ended = time.GetTimestamp();
        long queue = 0, whole = 0;
        int rows = 0, answered = 0;
        foreach (var request in batch)
        {
            rows += request.Rows;
            // One that was cancelled meanwhile has been counted as a failure.
            if (request.Task.IsCompleted) continue;
            answered++;
            queue += ToNanoseconds(time.GetElapsedTime(request.Enqueued, started));
            whole += ToNanoseconds(time.GetElapsedTime(request.Enqueued, ended));
        }

        DurationStatistics input = new(1, ToNanoseconds(result.Input)), infer = new(1, ToNanoseconds(result.Infer)),
            output = new(1, ToNanoseconds(result.Output));
        lock (_gate)
        {
            _total = _total with
            {
                LastInference = time.GetUtcNow(),
                InferenceCount = _total.InferenceCount + rows,
                ExecutionCount = _total.ExecutionCount + 1,
                Success = _total.Success + new DurationStatistics(answered, whole),
                Queue = _total.Queue + new DurationStatistics(answered, queue),
                // Every request of a batch spends the batch's whole time.
                ComputeInput = _total.ComputeInput + Times(input, answered),
                ComputeInfer = _total.ComputeInfer + Times(infer, answered),
                ComputeOutput = _total.ComputeOutput + Times(output, answered),
            };
            _batches[rows] = _batches.TryGetValue(rows, out var same)
                ? new(rows, same.ComputeInput + input, same.ComputeInfer + infer, same.ComputeOutput + output)
                : new(rows, input, infer, output);
        }
    }

    public void RecordFailure(TimeSpan whole)
    {
        lock (_gate) _total = _total with { Fail = _total.Fail + new DurationStatistics(1, ToNanoseconds(whole)) };
    }

    public ModelStatistics Read(int queueDepth)
    {
        lock (_gate) return _total with { Batches = [.. _batches.Values], QueueDepth = queueDepth };
    }

    private static DurationStatistics Times(DurationStatistics one, int count) => new(count, count * one.Nanoseconds);

    private static long ToNanoseconds(TimeSpan duration) => duration.Ticks * TimeSpan.NanosecondsPerTick;
}
