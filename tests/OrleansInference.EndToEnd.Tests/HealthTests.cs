using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class HealthTests(SharedService service, ITestOutputHelper output)
{
    [Fact]
    public async Task The_service_tells_that_it_lives_while_callers_saturate_it()
    {
        const int Callers = 64;
        const int Probes = 250;
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, Callers).Select(caller => CallAsync(Samples.Picture(caller % 10), enough.Token)).ToList();
        var before = await service.Api.GetStatsAsync("digits");
        await Poll.UntilAsync(async () => (await service.Api.GetStatsAsync("digits")).Rows >= before.Rows + Callers, "all callers are at it");

        var times = new List<double>();
        // Spread over seconds, in which every caller has many turns.
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        while (times.Count < Probes && await pace.WaitForNextTickAsync())
        {
            var started = TimeProvider.System.GetTimestamp();
            var answer = await service.Api.GetAsync("/v2/health/live");
            times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
        }

        await enough.CancelAsync();
        var answered = (await Task.WhenAll(callers)).Sum();
        Assert.True(answered > 2 * Callers, $"The callers got {answered} answers only.");
        times.Sort();
        double median = times[Probes / 2], worst = times[Probes * 99 / 100];
        output.WriteLine($"/v2/health/live beside {Callers} callers, who got {answered} answers: median {median:F1} ms, 99 % within {worst:F1} ms.");
        // Far above what is observed: callers, service and probe share the cores of whatever machine this is.
        Assert.InRange(median, 0, 50);
        Assert.InRange(worst, 0, 1000);
    }

    private async Task<int> CallAsync(byte[] picture, CancellationToken enough)
    {
        var answered = 0;
        for (; !enough.IsCancellationRequested; answered++)
            Assert.Equal(HttpStatusCode.OK, (await service.Api.InferPictureAsync(picture)).Status);
        return answered;
    }
}
