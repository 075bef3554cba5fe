using OrleansInference.Ensembles;

namespace OrleansInference;

/// <summary>What a model version has done since its instances were loaded. Sums of instances are made with <see cref="Add"/>.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelStatistics")]
public sealed record ModelStatistics
{
    /// <summary>When the last inference ended; null where there was none.</summary>
    [Id(0)]
    public DateTimeOffset? LastInference { get; init; }

    /// <summary>Rows inferred: a request of batch 8 counts 8.</summary>
    [Id(1)]
    public long InferenceCount { get; init; }

    /// <summary>Forward passes: a batch counts 1.</summary>
    [Id(2)]
    public long ExecutionCount { get; init; }

    /// <summary>Requests answered, and their whole time in the device's queue and on the device.</summary>
    [Id(3)]
    public DurationStatistics Success { get; init; }

    /// <summary>Requests failed: refused, expired, cancelled, or failed by the model.</summary>
    [Id(4)]
    public DurationStatistics Fail { get; init; }

    /// <summary>Time that requests waited for the device.</summary>
    [Id(5)]
    public DurationStatistics Queue { get; init; }

    /// <summary>Time that requests spent in gathering their batch into the runtime's memory.</summary>
    [Id(6)]
    public DurationStatistics ComputeInput { get; init; }

    /// <summary>Time that requests spent in the forward pass.</summary>
    [Id(7)]
    public DurationStatistics ComputeInfer { get; init; }

    /// <summary>Time that requests spent in slicing the outputs.</summary>
    [Id(8)]
    public DurationStatistics ComputeOutput { get; init; }

    /// <summary>Forward passes by batch size, ascending.</summary>
    [Id(9)]
    public IReadOnlyList<BatchStatistics> Batches { get; init; } = [];

    /// <summary>Requests waiting at this moment.</summary>
    [Id(10)]
    public int QueueDepth { get; init; }

    /// <summary>Forward passes by why their batch was sent.</summary>
    [Id(11)]
    public BatchReasonStatistics Reasons { get; init; }

    /// <summary>What the members or steps of an ensemble had to do with it; empty for all other models.</summary>
    [Id(12)]
    public IReadOnlyList<MemberStatistics> Members { get; init; } = [];

    /// <summary>Copies of other versions' requests that were sent to this one; all 0 where it is no shadow.</summary>
    [Id(13)]
    public ShadowStatistics Shadow { get; init; }

    /// <summary>How often it was loaded onto a device.</summary>
    [Id(14)]
    public long LoadCount { get; init; }

    /// <summary>Requests that found it not loaded, and waited for that.</summary>
    [Id(15)]
    public long ColdRequestCount { get; init; }

    /// <summary>The sum of two instances' statistics, of which ensembles have none.</summary>
    public ModelStatistics Add(ModelStatistics other) => new()
    {
        LastInference = LastInference is not { } last || other.LastInference > last ? other.LastInference ?? LastInference : last,
        InferenceCount = InferenceCount + other.InferenceCount,
        LoadCount = LoadCount + other.LoadCount,
        ColdRequestCount = ColdRequestCount + other.ColdRequestCount,
        ExecutionCount = ExecutionCount + other.ExecutionCount,
        Success = Success + other.Success,
        Fail = Fail + other.Fail,
        Queue = Queue + other.Queue,
        ComputeInput = ComputeInput + other.ComputeInput,
        ComputeInfer = ComputeInfer + other.ComputeInfer,
        ComputeOutput = ComputeOutput + other.ComputeOutput,
        Batches =
        [
            .. Batches.Concat(other.Batches)
                .GroupBy(batch => batch.BatchSize)
                .OrderBy(group => group.Key)
                .Select(group => group.Aggregate((a, b) => new(
                    group.Key, a.ComputeInput + b.ComputeInput, a.ComputeInfer + b.ComputeInfer, a.ComputeOutput + b.ComputeOutput))),
        ],
        QueueDepth = QueueDepth + other.QueueDepth,
        Reasons = Reasons + other.Reasons,
    };
}

/// <summary>How often something happened and how long it took in total.</summary>
/// <param name="Count">How often.</param>
/// <param name="Nanoseconds">The sum of the durations.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.DurationStatistics")]
public readonly record struct DurationStatistics([property: Id(0)] long Count, [property: Id(1)] long Nanoseconds)
{
    /// <summary>The sum of both.</summary>
    public static DurationStatistics operator +(DurationStatistics left, DurationStatistics right) =>
        new(left.Count + right.Count, left.Nanoseconds + right.Nanoseconds);
}

/// <summary>The forward passes of one batch size.</summary>
/// <param name="BatchSize">Rows in the batch.</param>
/// <param name="ComputeInput">Gathering the inputs.</param>
/// <param name="ComputeInfer">The forward passes.</param>
/// <param name="ComputeOutput">Slicing the outputs.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.BatchStatistics")]
public sealed record BatchStatistics(
    [property: Id(0)] int BatchSize,
    [property: Id(1)] DurationStatistics ComputeInput,
    [property: Id(2)] DurationStatistics ComputeInfer,
    [property: Id(3)] DurationStatistics ComputeOutput);

/// <summary>How many batches were sent for which reason.</summary>
/// <param name="Full">They had the largest size or a preferred one, or the next request did not fit.</param>
/// <param name="Idle">The device was free, and nothing said to wait for more.</param>
/// <param name="Delay">Their first request had waited for others as long as it may.</param>
/// <param name="Deadline">One of their requests would have missed its deadline, or its time in the queue, had it waited longer.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.BatchReasonStatistics")]
public readonly record struct BatchReasonStatistics(
    [property: Id(0)] long Full, [property: Id(1)] long Idle, [property: Id(2)] long Delay, [property: Id(3)] long Deadline)
{
    /// <summary>The sum of both.</summary>
    public static BatchReasonStatistics operator +(BatchReasonStatistics left, BatchReasonStatistics right) =>
        new(left.Full + right.Full, left.Idle + right.Idle, left.Delay + right.Delay, left.Deadline + right.Deadline);
}
