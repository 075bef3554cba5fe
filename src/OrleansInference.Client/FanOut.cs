using System.Runtime.CompilerServices;
using System.Threading.Tasks.Dataflow;

namespace OrleansInference.Client;

/// <summary>How a fan-out goes about its work.</summary>
/// <param name="MaxInFlight">
/// The most items under way at once: from before they are asked of the source until the caller asks for the result after theirs.
/// </param>
/// <param name="KeepOrder">Whether results come in the order of the source; otherwise they come as they are completed.</param>
public sealed record FanOutOptions(int MaxInFlight = FanOutOptions.DefaultMaxInFlight, bool KeepOrder = true)
{
    /// <summary>What <see cref="MaxInFlight"/> is where nobody says otherwise.</summary>
    public const int DefaultMaxInFlight = 64;
}

/// <summary>Runs something for every item of a stream, many at once, and gives the results as a stream.</summary>
public static class FanOut
{
    /// <summary>
    /// Runs something for every item. The source is asked for no more than may be under way, so that an endless one takes bounded memory.
    /// </summary>
    /// <param name="source">The items.</param>
    /// <param name="run">What to do for one. What it throws is thrown in the place of its result, and ends the rest.</param>
    /// <param name="options">How many at once, and in which order the results come.</param>
    /// <param name="cancellationToken">Ends the rest.</param>
    /// <returns>
    /// The results. Where the source fails, those of the items before come first, and then what it threw. Who leaves the enumeration
    /// cancels what is still running, and gets on when that has ended.
    /// </returns>
    public static IAsyncEnumerable<TResult> FanOutAsync<TSource, TResult>(
        this IAsyncEnumerable<TSource> source,
        Func<TSource, CancellationToken, Task<TResult>> run,
        FanOutOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(run);
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxInFlight);
        return RunAsync(source, run, options, cancellationToken);
    }

    private static async IAsyncEnumerable<TResult> RunAsync<TSource, TResult>(
        IAsyncEnumerable<TSource> source,
        Func<TSource, CancellationToken, Task<TResult>> run,
        FanOutOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var token = end.Token;
        using var room = new SemaphoreSlim(options.MaxInFlight);
        var block = new TransformBlock<TSource, Task<TResult>>(
            item => EndAsync(RunOneAsync(item)),
            new() { MaxDegreeOfParallelism = options.MaxInFlight, EnsureOrdered = options.KeepOrder, CancellationToken = token });
        var reading = ReadAsync(source, block, room, token);
        try
        {
            await foreach (var result in block.ReceiveAllAsync(token).ConfigureAwait(false))
            {
                yield return await result.ConfigureAwait(false);
                room.Release();
            }

            await reading.ConfigureAwait(false);
            // A block that is cancelled gives no more results, as one does that has given them all.
            await block.Completion.ConfigureAwait(false);
        }
        finally
        {
            // Nothing of a call may outlive it.
            await end.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await block.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<TResult> RunOneAsync(TSource item) => await run(item, token).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits for a task without its failure: a block that meets one drops all results, also those before it, and so gets tasks instead.
    /// </summary>
    private static async Task<Task<TResult>> EndAsync<TResult>(Task<TResult> running)
    {
        await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return running;
    }

    private static async Task ReadAsync<TSource, TResult>(
        IAsyncEnumerable<TSource> source, TransformBlock<TSource, TResult> block, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        try
        {
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
            await foreach (var item in source.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                block.Post(item);
                await room.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            block.Complete();
        }
    }
}
