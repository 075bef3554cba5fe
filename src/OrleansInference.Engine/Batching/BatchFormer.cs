using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>When a batch is due, and what is in it. All members are guarded by the device's gate.</summary>
internal sealed class BatchFormer(BatchingOptions options, RequestQueue queue, LatencyModel latency)
{
    /// <summary>A prediction may be wrong by a quarter before somebody is harmed by it.</summary>
    public const double Margin = 1.25;

    /// <summary>The steps of timers, which are set to the next step behind the instant that is meant.</summary>
    private static readonly TimeSpan TimerStep = TimeSpan.FromMilliseconds(1);

    /// <summary>How many times as long as the first of a batch another may be, or the other way round, where no buckets bound the padding.</summary>
    private const int MaxStretch = 4;

    private readonly int[] _preferred = [.. options.PreferredBatchSizes];
    private readonly int[] _equal = [.. options.EqualInputs];

    /// <summary>The most rows that a batch may have now; 1 where the model does not batch.</summary>
    public int MaxRows => Math.Max(1, options.LatencyTarget > TimeSpan.Zero
        ? Math.Min(options.MaxBatchSize, latency.RowsWithin(options.LatencyTarget))
        : options.MaxBatchSize);

    /// <summary>How long the batch must still wait for more rows; zero or less where it is due.</summary>
    public TimeSpan GetRemainingDelay(TimeSpan now)
    {
        if (queue.Count == 0 || options.MaxQueueDelay <= TimeSpan.Zero) return TimeSpan.Zero;
        var maxRows = MaxRows;
        if (queue.Rows >= (_preferred is [var smallest, ..] && smallest < maxRows ? smallest : maxRows)) return TimeSpan.Zero;
        var delay = queue.FirstEnqueued + options.MaxQueueDelay - now;
        var limit = GetLatestStart(now) - now;
        if (limit >= delay) return delay;
        return limit < TimerStep ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Floor(limit.TotalMilliseconds));
    }

    /// <summary>
    /// Takes the first request and those behind it that have its shapes: the largest preferred batch size that can be met exactly, else
    /// as many rows as fit.
    /// </summary>
    /// <param name="batch">Empty; takes the requests.</param>
    /// <param name="now">The device's clock.</param>
    public BatchReason Form(List<PendingRequest> batch, TimeSpan now)
    {
        if (queue.First is not { } first) return BatchReason.Idle;
        var reason = options.MaxQueueDelay <= TimeSpan.Zero ? BatchReason.Idle
            : now - queue.FirstEnqueued >= options.MaxQueueDelay ? BatchReason.Delay
            : GetLatestStart(now) - now < TimerStep ? BatchReason.Deadline
            : BatchReason.Idle;
        if (Gather(batch, first)) reason = BatchReason.Full;
        foreach (var request in batch) queue.Remove(request);
        return reason;
    }

    /// <returns>Whether the batch is as large as it may be, or of a preferred size.</returns>
    private bool Gather(List<PendingRequest> batch, PendingRequest first)
    {
        batch.Add(first);
        var rows = first.Rows;
        var maxRows = MaxRows;
        var preferred = IsPreferred(rows) ? 1 : 0;
        var isFull = rows >= maxRows;
        var passedLevel = -1;
        for (var next = queue.After(first); next is not null && rows < maxRows; next = queue.After(next))
        {
            // What is delayed waits for all of its level that are not.
            if (next.Lane.IsDelayed && next.Lane.Level == passedLevel) continue;
            if (!CanShare(first, next))
            {
                if (options.PreserveOrdering) break;
                passedLevel = next.Lane.Level;
                continue;
            }

            // Stop at the first that does not fit, rather than let smaller ones pass it for ever.
            isFull = rows + next.Rows >= maxRows;
            if (rows + next.Rows > maxRows) break;
            batch.Add(next);
            rows += next.Rows;
            if (IsPreferred(rows)) preferred = batch.Count;
        }

        if (preferred > 0) batch.RemoveRange(preferred, batch.Count - preferred);
        return options.MaxBatchSize > 0 && (isFull || preferred > 0);
    }

    /// <summary>Whether two requests may share a batch: all inputs agree in all dimensions but the first and the padded one, and in their value where they have one for all rows.</summary>
    private bool CanShare(PendingRequest left, PendingRequest right)
    {
        if (left.Bucket != right.Bucket) return false;
        // Every row takes the memory of the longest: a long one among many short ones would multiply what all of them have sent.
        if (left.Bucket == 0 && Math.Max(left.Length, right.Length) > MaxStretch * Math.Max(1, Math.Min(left.Length, right.Length))) return false;
        for (var i = 0; i < left.Inputs.Length; i++)
        {
            ReadOnlySpan<long> one = left.Inputs[i].Shape, other = right.Inputs[i].Shape;
            if (!(options.Padding?.IsSameShape(i, one, other) ?? one[1..].SequenceEqual(other[1..]))) return false;
        }

        foreach (var input in _equal)
        {
            var size = left.Inputs[input].DataType.ElementSize();
            ReadOnlySpan<byte> one = left.Inputs[input].Data.Span, other = right.Inputs[input].Data.Span;
            if (!one[..Math.Min(size, one.Length)].SequenceEqual(other[..Math.Min(size, other.Length)])) return false;
        }

        return true;
    }

    private bool IsPreferred(int rows) => Array.BinarySearch(_preferred, rows) >= 0;

    /// <summary>When a batch must start so that none of its requests waits for longer than it may, by a step for the timer.</summary>
    private TimeSpan GetLatestStart(TimeSpan now)
    {
        if (Latest() - now < TimerStep) queue.RefreshLimits();
        return Latest();

        TimeSpan Latest()
        {
            // While nothing is known of the model, as much time is kept for the pass as for the delay.
            var pass = latency.IsReady ? Margin * latency.Predict(Math.Min(queue.Rows, MaxRows)) : options.MaxQueueDelay;
            var start = queue.NextDeadline - pass;
            return (start < queue.NextTimeout ? start : queue.NextTimeout) - TimerStep;
        }
    }
}
