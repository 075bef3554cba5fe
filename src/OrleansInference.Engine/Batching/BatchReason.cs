namespace OrleansInference.Engine.Batching;

/// <summary>Why a batch was sent when it was.</summary>
internal enum BatchReason
{
    /// <summary>The device was free, and nothing said to wait for more.</summary>
    Idle,

    /// <summary>It had the largest size or a preferred one, or the next request did not fit.</summary>
    Full,

    /// <summary>Its first request had waited for others as long as it may.</summary>
    Delay,

    /// <summary>One of its requests would have missed its deadline, or its time in the queue, had it waited longer.</summary>
    Deadline,
}
