using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>What the calls that one request leads to have in common.</summary>
/// <param name="Models">The models as they were when the request came in.</param>
/// <param name="Deadline">The request's deadline.</param>
/// <param name="Token">Cancelled by the caller, by the deadline, or where this call is not needed any more.</param>
/// <param name="LostSince">When the request was lost for the first time, by the clock's timestamps; null where it never was.</param>
internal readonly record struct RequestContext(ModelTable Models, RequestDeadline Deadline, CancellationToken Token, long? LostSince = null)
{
    /// <param name="model">The model that was waited for.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.DeadlineExceeded"/>: the deadline has passed.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or the call is not needed any more.</exception>
    public void ThrowIfOver(string model)
    {
        if (Deadline.HasPassed) throw Deadline.Exceeded(model);
        Token.ThrowIfCancellationRequested();
    }
}
