using Microsoft.Extensions.Time.Testing;

using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Tests;

public sealed class LiveStreamsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(25);

    private readonly FakeTimeProvider _time = new();
    private readonly LiveStreams _streams = new();

    [Fact]
    public void A_silo_without_streams_does_not_wait() => Assert.True(_streams.DrainAsync(Limit, _time).IsCompletedSuccessfully);

    [Fact]
    public async Task A_silo_waits_for_the_last_of_its_streams_and_ends_none()
    {
        var streams = new[] { _streams.Count(), _streams.Count() };

        var drain = _streams.DrainAsync(Limit, _time);
        streams[0].Dispose();
        Assert.False(drain.IsCompleted);
        streams[1].Dispose();

        await drain;
        Assert.False(_streams.End.IsCancellationRequested);
    }

    [Fact]
    public async Task Streams_that_take_longer_than_the_limit_are_ended()
    {
        using var stream = _streams.Count();

        var drain = _streams.DrainAsync(Limit, _time);
        _time.Advance(Limit - TimeSpan.FromMilliseconds(1));
        Assert.False(_streams.End.IsCancellationRequested);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        await drain;
        Assert.True(_streams.End.IsCancellationRequested);
    }
}
