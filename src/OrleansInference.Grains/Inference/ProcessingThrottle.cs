namespace OrleansInference.Grains.Inference;

/// <summary>
/// Runs CPU-heavy processing beside the grain turns, on as many threads at once as there are cores. Those that wait are bounded:
/// a worker grain would queue without limit.
/// </summary>
internal sealed class ProcessingThrottle : IDisposable
{
    private readonly SemaphoreSlim _slots = new(Environment.ProcessorCount);
    private readonly int _limit;
    private int _admitted;

    public ProcessingThrottle()
        : this(limit: 1024)
    {
    }

    /// <param name="limit">The most calls that may run or wait.</param>
    public ProcessingThrottle(int limit) => _limit = limit;

    /// <exception cref="InferenceException"><see cref="InferenceError.QueueFull"/>: the limit is reached.</exception>
    public async Task<T> RunAsync<T>(Func<T> process, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _admitted) > _limit)
            {
                throw new InferenceException(
                    InferenceError.QueueFull, $"Exceeds maximum queue size: {_limit} requests wait for preprocessing or postprocessing");
            }

            await _slots.WaitAsync(cancellationToken);
            try
            {
                return await Task.Run(process, cancellationToken);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _admitted);
        }
    }

    public void Dispose() => _slots.Dispose();
}
