using System.Runtime.CompilerServices;

namespace OrleansInference.Client.Tests;

/// <summary>Many at once, out of a stream and into one. The limits only end a test that would wait for ever.</summary>
public sealed class FanOutTests
{
    private const int Limit = 60_000;

    [Theory]
    [InlineData(1, true)]
    [InlineData(64, true)]
    [InlineData(64, false)]
    public async Task Each_item_has_one_result(int maxInFlight, bool keepOrder)
    {
        var results = await Numbers(1000).FanOutAsync(DoubleAsync, new(maxInFlight, keepOrder)).ToListAsync();

        var expected = Enumerable.Range(0, 1000).Select(number => 2 * number);
        Assert.Equal(expected, keepOrder ? results : results.Order());
    }

    [Fact]
    public async Task Nothing_gives_nothing() => Assert.Empty(await Numbers(0).FanOutAsync(DoubleAsync).ToListAsync());

    [Theory(Timeout = Limit)]
    [InlineData(true, new[] { 0, 1, 2 })]
    [InlineData(false, new[] { 2, 1, 0 })]
    public async Task Results_come_in_the_order_of_the_source_or_of_their_completion(bool keepOrder, int[] expected)
    {
        TaskCompletionSource[] gates = [new(), new(), new()];
        var results = Numbers(3).FanOutAsync(WaitAsync, new(3, keepOrder)).GetAsyncEnumerator();
        var seen = new List<int>();
        var next = results.MoveNextAsync().AsTask();
        foreach (var gate in new[] { 2, 1, 0 })
        {
            gates[gate].SetResult();
            if (!keepOrder) await TakeAsync();
        }

        while (seen.Count < 3) await TakeAsync();

        Assert.False(await next);
        Assert.Equal(expected, seen);

        async Task<int> WaitAsync(int number, CancellationToken cancellationToken)
        {
            await gates[number].Task;
            return number;
        }

        async Task TakeAsync()
        {
            Assert.True(await next);
            seen.Add(results.Current);
            next = results.MoveNextAsync().AsTask();
        }
    }

    [Theory(Timeout = Limit)]
    [InlineData(1)]
    [InlineData(5)]
    public async Task No_more_items_are_asked_for_than_may_be_under_way(int maxInFlight)
    {
        int asked = 0, taken = 0;
        await using var results = CountAsync().FanOutAsync(DoubleAsync, new(maxInFlight)).GetAsyncEnumerator();
        for (; taken < 100; taken++)
        {
            Assert.True(await results.MoveNextAsync());
            // All have been run that may be, and the caller takes its time.
            while (Volatile.Read(ref asked) < taken + maxInFlight) await Task.Yield();
            for (var turn = 0; turn < 20; turn++) await Task.Yield();
            Assert.Equal(taken + maxInFlight, Volatile.Read(ref asked));
        }

        async IAsyncEnumerable<int> CountAsync()
        {
            while (true)
            {
                await Task.Yield();
                yield return Interlocked.Increment(ref asked);
            }
        }
    }

    [Fact]
    public async Task A_source_that_fails_does_so_behind_the_results_of_what_it_gave()
    {
        var seen = new List<int>();

        var failure = await Assert.ThrowsAsync<FormatException>(async () =>
        {
            await foreach (var result in FailAsync(after: 10).FanOutAsync(DoubleAsync)) seen.Add(result);
        });

        Assert.Equal("enough", failure.Message);
        Assert.Equal(Enumerable.Range(0, 10).Select(number => 2 * number), seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_fails_is_thrown_in_its_place_and_ends_the_rest(bool atOnce)
    {
        var seen = new List<int>();

        await Assert.ThrowsAsync<FormatException>(async () =>
        {
            await foreach (var result in Numbers(int.MaxValue).FanOutAsync(RunAsync)) seen.Add(result);
        });

        Assert.Equal(Enumerable.Range(0, 10), seen);

        Task<int> RunAsync(int number, CancellationToken cancellationToken) => number < 10
            ? Task.FromResult(number)
            : atOnce ? throw new FormatException() : Task.FromException<int>(new FormatException());
    }

    [Theory(Timeout = Limit)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_leaves_cancels_what_runs_and_gets_on_when_it_has_ended(bool keepOrder)
    {
        const int InFlight = 4;
        int started = 0, ended = 0;
        var allRun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        await foreach (var result in Numbers(int.MaxValue).FanOutAsync(RunAsync, new(InFlight, keepOrder)))
        {
            await allRun.Task;
            break;
        }

        Assert.Equal(InFlight, started);
        Assert.Equal(InFlight, ended);

        async Task<int> RunAsync(int number, CancellationToken cancellationToken)
        {
            if (Interlocked.Increment(ref started) == InFlight) allRun.SetResult();
            if (number > 0) await new TaskCompletionSource().Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            for (var turn = 0; turn < 20; turn++) await Task.Yield();
            Interlocked.Increment(ref ended);
            return number;
        }
    }

    [Theory(Timeout = Limit)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    public async Task Who_cancels_is_told_so_though_the_source_may_have_ended(int count)
    {
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var result in Numbers(count).FanOutAsync(RunAsync, new(2), cancellation.Token)) Assert.Equal(0, result);
        });

        async Task<int> RunAsync(int number, CancellationToken cancellationToken)
        {
            if (number > 0)
            {
                // Another item may have begun to cancel, and this one's token learns of it in a moment.
                await cancellation.CancelAsync();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            return number;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void None_at_once_is_refused_before_anything_is_asked(int maxInFlight) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Numbers(1).FanOutAsync(DoubleAsync, new(maxInFlight)));

    private static Task<int> DoubleAsync(int number, CancellationToken cancellationToken) => Task.FromResult(2 * number);

    private static async IAsyncEnumerable<int> Numbers(int count, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var number = 0; number < count; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (number % 3 == 0) await Task.Yield();
            yield return number;
        }
    }

    private static async IAsyncEnumerable<int> FailAsync(int after)
    {
        for (var number = 0; number < after; number++) yield return number;
        await Task.FromException(new FormatException("enough"));
    }
}
