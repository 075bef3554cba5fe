namespace OrleansInference;

/// <summary>The one exception of this service. It crosses grain calls with its code and message.</summary>
[GenerateSerializer, Alias("OrleansInference.InferenceException")]
public sealed class InferenceException : Exception
{
    /// <summary>Makes an exception.</summary>
    /// <param name="error">What kind of failure.</param>
    /// <param name="message">A sentence for the caller, naming model, field, value and limit where they apply.</param>
    /// <param name="innerException">The cause, for the log.</param>
    public InferenceException(InferenceError error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    /// <summary>What kind of failure.</summary>
    [Id(0)]
    public InferenceError Error { get; }
}
