using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Batching;

/// <summary>How requests of one model instance are gathered; each value comes from the model's configuration.</summary>
internal sealed record BatchingOptions
{
    /// <summary>The most rows in a batch; 0 runs every request by itself.</summary>
    public required int MaxBatchSize { get; init; }

    /// <summary>Batch sizes, ascending, that are sent as soon as they can be formed.</summary>
    public IReadOnlyList<int> PreferredBatchSizes { get; init; } = [];

    /// <summary>How long the first request may wait for others while the device is idle; zero sends at once.</summary>
    public TimeSpan MaxQueueDelay { get; init; }

    /// <summary>How long a forward pass should take at most, to which the batch size is adapted; zero for any time.</summary>
    public TimeSpan LatencyTarget { get; init; }

    /// <summary>Whether requests run in the order in which they came, so that none may pass one of another shape.</summary>
    public bool PreserveOrdering { get; init; }

    /// <summary>Levels of urgency, of which 1 is served first; 0 where requests are served as they come.</summary>
    public int PriorityLevels { get; init; }

    /// <summary>The level of requests that name none of them.</summary>
    public int DefaultPriority { get; init; }

    /// <summary>What holds for all levels together that have no policy of their own. Its queue has a bound above 0.</summary>
    public required QueuePolicy DefaultPolicy { get; init; }

    /// <summary>What holds for single levels. Their queues have bounds above 0.</summary>
    public IReadOnlyDictionary<int, QueuePolicy> LevelPolicies { get; init; } = new Dictionary<int, QueuePolicy>();

    /// <summary>The places of inputs that have one value for a whole batch, so that only requests with equal ones share it.</summary>
    public IReadOnlyList<int> EqualInputs { get; init; } = [];

    /// <summary>How requests of unlike lengths share batches; null where they do not.</summary>
    public Padding? Padding { get; init; }
}
