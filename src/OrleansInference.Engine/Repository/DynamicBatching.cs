namespace OrleansInference.Engine.Repository;

/// <summary>Triton's <c>dynamic_batching</c>: how requests share batches, and how they wait for them.</summary>
public sealed record DynamicBatching
{
    /// <summary>Whether requests share batches; without the section each runs alone.</summary>
    public bool Enabled { get; init; }

    /// <summary>Batch sizes, ascending, that are sent as soon as they can be formed.</summary>
    public IReadOnlyList<int> PreferredBatchSizes { get; init; } = [];

    /// <summary>How long an idle device waits for more rows.</summary>
    public TimeSpan MaxQueueDelay { get; init; }

    /// <summary>How long a forward pass should take at most; zero for any time. Triton has no such field.</summary>
    public TimeSpan LatencyTarget { get; init; }

    /// <summary>Whether a device runs requests in the order in which they came.</summary>
    public bool PreserveOrdering { get; init; }

    /// <summary>How many levels of urgency there are; 0 where all requests are equal.</summary>
    public int PriorityLevels { get; init; }

    /// <summary>The level of requests that name none.</summary>
    public int DefaultPriority { get; init; }

    /// <summary>What bounds the queue of all levels that have no policy of their own.</summary>
    public QueuePolicy DefaultPolicy { get; init; } = new();

    /// <summary>What bounds single levels.</summary>
    public IReadOnlyDictionary<int, QueuePolicy> LevelPolicies { get; init; } = new Dictionary<int, QueuePolicy>();

    /// <summary>Inputs by whose length requests may differ and yet share a batch. Triton has no such field.</summary>
    public IReadOnlyList<PaddedInput> Padding { get; init; } = [];
}

/// <summary>Triton's <c>ModelQueuePolicy</c>.</summary>
/// <param name="MaxQueueSize">The most requests that wait; 0 for the server's own limit.</param>
/// <param name="Timeout">How long a request may wait; zero for as long as its deadline lets it.</param>
/// <param name="IsDelayedOnTimeout">
/// Whether a request that has waited that long goes on waiting, behind all of its level that have not; otherwise it fails.
/// </param>
public sealed record QueuePolicy(int MaxQueueSize = 0, TimeSpan Timeout = default, bool IsDelayedOnTimeout = false);

/// <summary>An input that is filled up to the length of its batch. In a request all such inputs have equal lengths.</summary>
/// <param name="Input">The network's input.</param>
/// <param name="Axis">The dimension whose length differs, of which the batch's is 0.</param>
/// <param name="Value">The element that fills it up.</param>
/// <param name="Buckets">The lengths, ascending, that batches have; where empty, a batch is as long as the longest in it.</param>
/// <param name="Outputs">The outputs that are cut back to each request's own length.</param>
public sealed record PaddedInput(string Input, int Axis, double Value, IReadOnlyList<int> Buckets, IReadOnlyList<PaddedOutput> Outputs);

/// <summary>An output that is as long as the inputs that were filled up.</summary>
/// <param name="Output">The network's output.</param>
/// <param name="Axis">The dimension that is cut, of which the batch's is 0.</param>
public sealed record PaddedOutput(string Output, int Axis);
