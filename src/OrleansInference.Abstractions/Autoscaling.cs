namespace OrleansInference;

/// <summary>How the number of a model's replicas follows its load.</summary>
/// <param name="MinReplicas">The fewest; with 0 the model leaves its last device when nobody has asked for long, and its next request loads it.</param>
/// <param name="MaxReplicas">The most.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.Autoscaling")]
public sealed record Autoscaling([property: Id(0)] int MinReplicas, [property: Id(1)] int MaxReplicas)
{
    /// <summary>There are to be so many replicas that each has about this many requests at a time, waiting or running.</summary>
    [Id(2)]
    public double TargetOutstanding { get; init; } = 8;

    /// <summary>Where requests wait longer than this on the average, there are too few replicas, whatever their number.</summary>
    [Id(3)]
    public TimeSpan TargetQueueTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>After so long without a request the model leaves its last device, where <see cref="MinReplicas"/> is 0.</summary>
    [Id(4)]
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(5);
}
