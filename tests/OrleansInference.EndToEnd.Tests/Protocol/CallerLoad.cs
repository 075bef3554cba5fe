using System.Collections.Concurrent;
using System.Net;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>Callers that ask again as soon as they have an answer, until they are stopped, and what came of their requests.</summary>
internal sealed class CallerLoad
{
    private readonly ConcurrentQueue<(TimeSpan Sent, TimeSpan Elapsed, Answer Answer)> _calls = [];
    private readonly CancellationTokenSource _end = new();
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private readonly Task[] _callers;

    private CallerLoad(int callers, Func<int, InferenceApi> api, IReadOnlyList<string> models) =>
        _callers = [.. Enumerable.Range(0, callers).Select(caller => CallAsync(caller, api(caller), models))];

    public TimeSpan Now => TimeProvider.System.GetElapsedTime(_began);

    public int Count => _calls.Count;

    public IEnumerable<Answer> Failed => _calls.Where(call => call.Answer.Status != HttpStatusCode.OK).Select(call => call.Answer);

    /// <param name="callers">How many.</param>
    /// <param name="api">Where each of them asks.</param>
    /// <param name="models">Models that give back the number that they are sent; each caller asks one after the other.</param>
    public static CallerLoad Start(int callers, Func<int, InferenceApi> api, params IReadOnlyList<string> models) => new(callers, api, models);

    /// <summary>Lets the callers finish.</summary>
    public async Task StopAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_callers);
        _end.Dispose();
    }

    /// <summary>Waits until some more requests have been answered.</summary>
    public Task MoreAsync(int requests)
    {
        var before = Count;
        return Poll.UntilAsync(() => Task.FromResult(Count >= before + requests), $"{requests} more requests are answered");
    }

    /// <summary>That none has failed, and that each was answered with its own number.</summary>
    public void AssertNothingLost()
    {
        Assert.NotEmpty(_calls);
        // In full: a collection would be cut short.
        Assert.True(!Failed.Any(), string.Join('\n', Failed.Take(10).Select(answer => $"{answer.Status}: {answer.Error}")));
    }

    /// <summary>Requests that were answered in a time, for each second of it.</summary>
    public double Throughput(TimeSpan from, TimeSpan to) =>
        _calls.Count(call => call.Sent + call.Elapsed >= from && call.Sent + call.Elapsed < to) / (to - from).TotalSeconds;

    /// <summary>How long requests took that were under way in a time, at the given fraction of them.</summary>
    public TimeSpan Latency(double fraction, TimeSpan from, TimeSpan to)
    {
        var sorted = _calls.Where(call => call.Sent + call.Elapsed >= from && call.Sent < to).Select(call => call.Elapsed).Order().ToList();
        return sorted[(int)Math.Min(Math.Ceiling(sorted.Count * fraction), sorted.Count - 1)];
    }

    private async Task CallAsync(int caller, InferenceApi api, IReadOnlyList<string> models)
    {
        for (var turn = caller; !_end.IsCancellationRequested; turn++)
        {
            var sent = Now;
            var answer = await api.InferNumberAsync(models[turn % models.Count], turn);
            _calls.Enqueue((sent, Now - sent, answer));
            if (answer.Status == HttpStatusCode.OK) Assert.Equal(turn, answer.Number);
        }
    }
}
