using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs.Compose;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>
/// What is lost when parts of a cluster fail under load: three silos, a front end and Redis, as <c>docker-compose.yml</c> has them, and 64 callers. With
/// <c>TESTS=full</c> for as long as the README's figures took, which are then printed.
/// </summary>
[Collection(nameof(Alone))]
public sealed class FailureTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Five programs and 64 callers leave no other test its share of the machine, and none may be slow here because of another.</summary>
    [CollectionDefinition(nameof(Alone), DisableParallelization = true)]
    public sealed class Alone;

    private const int Callers = 64;

    private readonly TemporaryFolder _repository = new();

    [Fact]
    public async Task A_silo_that_is_killed_takes_no_request_with_it_and_what_it_had_is_loaded_elsewhere()
    {
        await using var cluster = await StartAsync();
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await GoOnAsync(load, until: TimeSpan.FromSeconds(20));
        var victim = (await cluster.FrontEnd.Api.GetPlacesAsync("pair"))[0];

        var killed = load.Now;
        cluster.Kill(victim);
        var restored = await WaitForPairAsync(cluster, victim, load);
        await GoOnAsync(load, until: TimeSpan.FromSeconds(60));
        await load.StopAsync();

        load.AssertNothingLost();
        Report("killed", load, killed);
        output.WriteLine($"killed: replicas restored after {(restored - killed).TotalSeconds:F1} s");
    }

    [Fact]
    public async Task A_model_on_one_device_alone_is_waited_for_when_its_silo_is_killed()
    {
        TestModels.AddLinear(_repository.Path, "single", "1", more: """ "replicas": 1 """);
        await using var cluster = await ComposeCluster.StartAsync(_repository.Path);
        var load = CallerLoad.Start(Callers / 4, _ => cluster.FrontEnd.Api, "single");
        await load.MoreAsync(1000);

        cluster.Kill(Assert.Single(await cluster.FrontEnd.Api.GetPlacesAsync("single")));
        await load.MoreAsync(1000);
        await load.StopAsync();

        load.AssertNothingLost();
    }

    [Fact]
    public async Task A_silo_that_hangs_takes_no_request_with_it()
    {
        await using var cluster = await StartAsync();
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await GoOnAsync(load, until: TimeSpan.FromSeconds(20));
        var victim = (await cluster.FrontEnd.Api.GetPlacesAsync("pair"))[0];

        var hung = load.Now;
        cluster.Pause(victim);
        await WaitForPairAsync(cluster, victim, load);
        await GoOnAsync(load, until: TimeSpan.FromSeconds(60));
        await load.StopAsync();

        load.AssertNothingLost();
        Report("hung", load, hung);
    }

    [Fact]
    public async Task A_silo_that_the_network_is_cut_off_from_takes_no_request_with_it()
    {
        await using var cluster = await StartAsync(hasNetwork: true);
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await GoOnAsync(load, until: TimeSpan.FromSeconds(20));
        var victim = (await cluster.FrontEnd.Api.GetPlacesAsync("pair"))[0];

        var cut = load.Now;
        cluster.Cut(victim);
        await WaitForPairAsync(cluster, victim, load);
        await GoOnAsync(load, until: TimeSpan.FromSeconds(60));
        await load.StopAsync();

        load.AssertNothingLost();
        Report("cut off", load, cut);
    }

    [Fact]
    public async Task A_silo_that_ends_takes_nothing_away_from_the_others()
    {
        var models = Enumerable.Range(0, 16).Select(number => $"model{number}").ToList();
        foreach (var model in models) TestModels.AddLinear(_repository.Path, model, "1");
        await using var cluster = await ComposeCluster.StartAsync(_repository.Path);
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.GetClusterAsync()).Count(silo => silo.Models.Count(model => model.State == "READY") == models.Count) == 3, "all have all models");
        // Each asks its own device, which counts for as long as it has the model.
        foreach (var silo in cluster.Silos)
        {
            foreach (var model in models) Assert.Equal(7, (await cluster[silo].Api.InferNumberAsync(model, 7)).Number);
        }

        await cluster.TerminateAsync(cluster.Silos[0]);
        await WaitForRestAsync(silos: 2);
        cluster.Kill(cluster.Silos[1]);
        await WaitForRestAsync(silos: 1);

        async Task WaitForRestAsync(int silos)
        {
            await Poll.UntilAsync(async () => (await cluster.FrontEnd.Api.TryGetClusterAsync())?.Count == silos, $"there are {silos} silos");
            await Poll.UntilAsync(
                async () => (await Task.WhenAll(models.Select(CountAsync))).All(count => count == silos), $"each model has counted what {silos} silos were asked");
        }

        async Task<long> CountAsync(string model) =>
            await cluster.FrontEnd.Api.GetAsync($"/v2/models/{model}/stats") is { Status: HttpStatusCode.OK } stats ? ModelStats.Parse(stats.Json).Rows : -1;
    }

    [Fact]
    public async Task Silos_that_are_restarted_one_by_one_lose_no_request()
    {
        await using var cluster = await StartAsync();
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await load.MoreAsync(1000);

        var began = load.Now;
        foreach (var silo in cluster.Silos)
        {
            await cluster.RestartAsync(silo);
            await load.MoreAsync(1000);
        }

        await load.StopAsync();
        load.AssertNothingLost();
        output.WriteLine($"restarted one by one: {load.Count} requests, {load.Failed.Count()} failed, p99 {load.Latency(0.99, began, load.Now).TotalMilliseconds:F0} ms");
    }

    /// <summary>The earlier version is a checkout that has been built, in the folder that the variable <c>EARLIER_BUILD</c> names.</summary>
    [Fact]
    public async Task A_version_takes_an_earlier_ones_place_silo_by_silo_and_gives_it_back_without_losing_a_request()
    {
        var earlier = Environment.GetEnvironmentVariable("EARLIER_BUILD");
        Assert.SkipWhen(string.IsNullOrEmpty(earlier), "EARLIER_BUILD names no checkout of an earlier version that has been built.");
        AddModels();
        await using var cluster = ComposeCluster.Create(_repository.Path);
        foreach (var name in cluster.Silos.Append(cluster.FrontEndName)) cluster.UseBuild(name, earlier);
        await cluster.StartAllAsync();
        await WaitForAllAsync(cluster);
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await load.MoreAsync(1000);

        foreach (var (silo, checkout) in cluster.Silos.Select(silo => (silo, (string?)null)).Append((cluster.Silos[0], earlier)))
        {
            cluster.UseBuild(silo, checkout);
            await cluster.RestartAsync(silo);
            await load.MoreAsync(1000);
        }

        await load.StopAsync();
        load.AssertNothingLost();
        cluster.UseBuild(cluster.FrontEndName, null);
        await cluster.RestartAsync(cluster.FrontEndName);
        var mixed = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await mixed.MoreAsync(1000);
        await mixed.StopAsync();
        mixed.AssertNothingLost();
        output.WriteLine($"two versions: {load.Count} requests, {load.Failed.Count()} failed");
    }

    [Fact]
    public async Task Without_Redis_inference_goes_on_and_changes_wait()
    {
        await using var cluster = await StartAsync();
        var load = CallerLoad.Start(Callers, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        await load.MoreAsync(1000);

        var gone = load.Now;
        cluster.Redis.Kill();
        await GoOnAsync(load, until: gone + TimeSpan.FromSeconds(30), requests: 2000);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await cluster.FrontEnd.Api.ChangeAsync("everywhere", "unload")).Status);
        await cluster.Redis.StartAsync();
        var back = load.Now;
        await load.MoreAsync(1000);
        await load.StopAsync();

        load.AssertNothingLost();
        output.WriteLine($"{(back - gone).TotalSeconds:F0} s without Redis: {load.Count} requests, {load.Failed.Count()} failed");
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.ChangeAsync("everywhere", "unload")).Status == HttpStatusCode.OK, "changes are made again");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await cluster.FrontEnd.Api.InferNumberAsync("everywhere", 1)).Status);
    }

    [Fact]
    public async Task A_silo_that_is_drained_hands_over_what_it_has_and_takes_its_share_when_it_is_resumed()
    {
        await using var cluster = await StartAsync();
        var load = CallerLoad.Start(Callers / 4, _ => cluster.FrontEnd.Api, "pair", "everywhere");
        var silo = (await cluster.FrontEnd.Api.GetPlacesAsync("pair"))[0];

        (await cluster.FrontEnd.Api.PostAsync($"/v2/cluster/silos/{silo}/drain")).AssertOk();

        var drained = (await cluster.FrontEnd.Api.GetClusterAsync()).Single(found => found.Name == silo);
        Assert.Equal("draining", drained.Status);
        Assert.DoesNotContain(drained.Models, model => model.State != "UNLOADING");
        Assert.Equal(2, (await cluster.FrontEnd.Api.GetPlacesAsync("pair")).Count);
        (await cluster.FrontEnd.Api.PostAsync($"/v2/cluster/silos/{silo}/resume")).AssertOk();
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.GetPlacesAsync("everywhere")).Contains(silo), "the silo has what is to be everywhere");
        await load.StopAsync();
        load.AssertNothingLost();
        Assert.Equal(HttpStatusCode.NotFound, (await cluster.FrontEnd.Api.PostAsync("/v2/cluster/silos/nobody/drain")).Status);
    }

    public void Dispose() => _repository.Dispose();

    private async Task<ComposeCluster> StartAsync(bool hasNetwork = false)
    {
        AddModels();
        var cluster = await ComposeCluster.StartAsync(_repository.Path, hasNetwork);
        await WaitForAllAsync(cluster);
        return cluster;
    }

    private void AddModels()
    {
        TestModels.AddLinear(_repository.Path, "pair", "1", more: """ "replicas": 2 """);
        TestModels.AddLinear(_repository.Path, "everywhere", "1");
    }

    private static Task WaitForAllAsync(ComposeCluster cluster) => Poll.UntilAsync(
        async () => (await cluster.FrontEnd.Api.GetPlacesAsync("pair")).Count == 2 && (await cluster.FrontEnd.Api.GetPlacesAsync("everywhere")).Count == 3, "all replicas are ready");

    /// <summary>Waits until two silos, other than the one that is gone, answer for the model that is to have two replicas.</summary>
    private static async Task<TimeSpan> WaitForPairAsync(ComposeCluster cluster, string gone, CallerLoad load)
    {
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.TryGetClusterAsync())?.Count(silo => silo.Name != gone && silo.Models.Any(model => model is { Name: "pair", State: "READY" })) == 2,
            "the lost replica is there again");
        return load.Now;
    }

    /// <summary>Latency and throughput around a moment; of a short run they would say nothing.</summary>
    private void Report(string what, CallerLoad load, TimeSpan at)
    {
        if (!TestLength.IsFull) return;
        TimeSpan Seconds(int seconds) => at + TimeSpan.FromSeconds(seconds);
        output.WriteLine(
            $"{what}: {load.Count} requests, {load.Failed.Count()} failed; p99 {load.Latency(0.99, at, Seconds(5)).TotalMilliseconds:F0} ms and the longest " +
            $"{load.Latency(1, at, Seconds(5)).TotalMilliseconds:F0} ms in the 5 s after; {load.Throughput(Seconds(-5), at):F0} requests/s in the 5 s before, " +
            $"{load.Throughput(Seconds(5), Seconds(10)):F0} from 5 s to 10 s after");
    }

    /// <summary>Lets the load run on: for a time at full length, and else for as many requests as show something.</summary>
    private static Task GoOnAsync(CallerLoad load, TimeSpan until, int requests = 1000) =>
        !TestLength.IsFull ? load.MoreAsync(requests)
        : until > load.Now ? Task.Delay(until - load.Now, TimeProvider.System)
        : Task.CompletedTask;
}
