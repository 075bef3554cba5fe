namespace OrleansInference.Engine.Batching;

/// <summary>How requests of one model instance are gathered; each value comes from the model's configuration.</summary>
/// <param name="MaxBatchSize">The most rows in a batch; 0 runs every request by itself.</param>
/// <param name="PreferredBatchSizes">Batch sizes, ascending, that are sent as soon as they can be formed.</param>
/// <param name="MaxQueueDelay">How long the first request may wait for others while the device is idle; zero sends at once.</param>
/// <param name="MaxQueueSize">The most requests that wait; one more is refused.</param>
/// <param name="PriorityLevels">Levels of urgency, of which 1 is served first; 0 where requests are served as they come.</param>
/// <param name="DefaultPriority">The level of requests that name none of them.</param>
internal sealed record BatchingOptions(
    int MaxBatchSize,
    IReadOnlyList<int> PreferredBatchSizes,
    TimeSpan MaxQueueDelay,
    int MaxQueueSize,
    int PriorityLevels = 0,
    int DefaultPriority = 0);
