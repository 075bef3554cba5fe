namespace OrleansInference.Client;

/// <summary>The deadline of one request: an absolute time that travels with it, and a token that is cancelled when it has passed.</summary>
internal sealed class RequestDeadline : IDisposable
{
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenRegistration _registration;
    private readonly TimeSpan _left;

    /// <param name="request">The request, with a deadline or without.</param>
    /// <param name="options">The deadline of those without.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The caller's own token.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.DeadlineExceeded"/>: it has passed; <see cref="InferenceError.InvalidArgument"/>: it is too far away.
    /// </exception>
    public RequestDeadline(InferenceRequest request, InferenceClientOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var deadline = request.Deadline ?? now + options.DefaultTimeout;
        _left = deadline - now;
        if (_left <= TimeSpan.Zero)
            throw new InferenceException(InferenceError.DeadlineExceeded, $"Request timeout expired before model '{request.Model}' was asked");
        if (_left > InferenceClientOptions.MaxTimeout)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"timeout {_left.TotalSeconds:F0} s is longer than the limit of {InferenceClientOptions.MaxTimeout.TotalSeconds:F0} s");
        }

        Request = request.Deadline is null ? request with { Deadline = deadline } : request;
        _caller = cancellationToken;
        _timeout = new(_left, time);
        _registration = cancellationToken.UnsafeRegister(static timeout => ((CancellationTokenSource)timeout!).Cancel(), _timeout);
    }

    /// <summary>The request with its deadline.</summary>
    public InferenceRequest Request { get; }

    /// <summary>Cancelled by the caller, or when the deadline passes.</summary>
    public CancellationToken Token => _timeout.Token;

    /// <summary>Whether it was the deadline, and not the caller, that ended the request.</summary>
    public bool HasPassed => _timeout.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <param name="model">The model that was waited for.</param>
    public InferenceException Exceeded(string model) => new(
        InferenceError.DeadlineExceeded,
        $"Request timeout expired: model '{model}' has not answered in the {_left.TotalMilliseconds:F0} ms that were left");

    public void Dispose()
    {
        _registration.Dispose();
        _timeout.Dispose();
    }
}
