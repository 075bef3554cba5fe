namespace OrleansInference;

/// <summary>
/// Why an inference failed: a closed list, which each front end maps to its own status codes in one place.
/// The values travel between processes: never renumber.
/// </summary>
public enum InferenceError
{
    /// <summary>The request is wrong and would fail again; the message names the field, the value and the limit.</summary>
    InvalidArgument = 0,

    /// <summary>No model, or no version of it, has that name.</summary>
    NotFound = 1,

    /// <summary>The model is known but not ready: loading, failed to load, unloaded, or its device is gone.</summary>
    NotReady = 2,

    /// <summary>A queue is full, or too many requests are in flight. Worth trying again a little later.</summary>
    QueueFull = 3,

    /// <summary>The deadline passed while the request waited or ran.</summary>
    DeadlineExceeded = 4,

    /// <summary>The request, or what it decodes to, is larger than the limit.</summary>
    TooLarge = 5,

    /// <summary>The model itself failed on this input.</summary>
    ModelFailed = 6,

    /// <summary>The silo or device that held the request is gone. Inference is idempotent: worth trying again at once.</summary>
    Unavailable = 7,
}
