using static OrleansInference.Client.Tests.PublishedModels;

namespace OrleansInference.Client.Tests.Routing;

public sealed class VersionRoutingTests
{
    private static readonly RoutingPolicy Canary = new() { Versions = [new(2, 95), new(3, 5)] };

    private static readonly RoutingPolicy Shadow = new() { Versions = [new(2, 1)], Shadow = new(3, 1, 0.01) };

    [Fact]
    public async Task Versions_get_their_shares_of_requests_that_name_none()
    {
        await using var harness = await ClientHarness.StartAsync([Routed(1, Canary), Routed(2, Canary), Routed(3, Canary)]);

        for (var call = 0; call < 10_000; call++) await harness.Client.InferAsync(Ask("m", 1));

        Assert.InRange(CountAsked(harness, 3), 490, 510);
        Assert.Equal(0, CountAsked(harness, 1));
    }

    [Fact]
    public async Task A_version_that_is_not_ready_gives_its_share_to_the_others()
    {
        await using var harness = await ClientHarness.StartAsync(
            [Routed(2, Canary), Routed(3, Canary) with { State = ModelState.Unavailable, Reason = "broken" }]);

        for (var call = 0; call < 100; call++) await harness.Client.InferAsync(Ask("m", 1));

        Assert.Equal(100, CountAsked(harness, 2));
    }

    [Fact]
    public async Task Where_none_with_a_weight_is_ready_the_highest_ready_one_answers()
    {
        var broken = new[] { 2, 3 }.Select(version => Routed(version, Canary) with { State = ModelState.Unavailable, Reason = "broken" });
        await using var harness = await ClientHarness.StartAsync([Routed(1, Canary), .. broken]);

        Assert.Equal(1, (await harness.Client.InferAsync(Ask("m", 1))).Model.Version);
    }

    [Fact]
    public async Task A_request_that_names_a_version_gets_that_one()
    {
        await using var harness = await ClientHarness.StartAsync([Routed(1, Canary), Routed(2, Canary), Routed(3, Canary)]);

        Assert.Equal(1, (await harness.Client.InferAsync(Ask("m", 1) with { Version = 1 })).Model.Version);
    }

    [Fact]
    public async Task Requests_of_one_key_stay_with_one_version_and_device()
    {
        var sticky = new RoutingPolicy { Versions = [new(2, 1), new(3, 1)], StickyParameter = "user" };
        await using var harness = await ClientHarness.StartAsync(
            [Routed(2, sticky, "a.cpu:0", "b.cpu:0"), Routed(3, sticky, "a.cpu:0", "b.cpu:0")]);

        foreach (var key in Enumerable.Range(0, 40))
        {
            harness.Grains.Asked.Clear();
            for (var call = 0; call < 10; call++) await harness.Client.InferAsync(Ask("m", 1) with { RoutingKey = $"user {key}" });
            Assert.Single(harness.Grains.Asked.Distinct());
        }

        harness.Grains.Asked.Clear();
        foreach (var key in Enumerable.Range(0, 100)) await harness.Client.InferAsync(Ask("m", 1) with { RoutingKey = $"user {key}" });
        Assert.Equal(4, harness.Grains.Asked.Distinct().Count());
    }

    [Fact]
    public async Task A_shadow_is_asked_too_and_its_answer_is_compared_and_not_given()
    {
        await using var harness = await ClientHarness.StartAsync([Routed(2, Shadow), Routed(3, Shadow)]);
        // Within the tolerance for 1, beyond it for 2, and none at all for 3.
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            var x = request.Inputs[0].ToArray<float>()[0];
            if (instance.Model.Version == 3 && x == 3) throw new InferenceException(InferenceError.ModelFailed, "no");
            return Task.FromResult(Answer(instance, instance.Model.Version == 2 ? x : x == 1 ? x + 0.005f : x + 1));
        };

        foreach (var x in new[] { 1f, 2f, 3f })
        {
            var response = await harness.Client.InferAsync(Ask("m", x));
            Assert.Equal((2, x), (response.Model.Version, response["y"].ToArray<float>()[0]));
        }

        Assert.Equal(new ShadowStatistics(Compared: 2, Different: 1, Failed: 1, Skipped: 0), await ReadShadowAsync(harness, copies: 3));
    }

    [Fact]
    public async Task A_shadow_gets_one_copy_of_a_request_that_is_lost_and_made_anew()
    {
        await using var harness = await ClientHarness.StartAsync([Routed(2, Shadow, "a.cpu:0"), Routed(3, Shadow, "c.cpu:0")]);
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            if (instance.Device != "a.cpu:0") return Task.FromResult(Answer(instance, request.Inputs[0].ToArray<float>()));
            harness.Grains.Publish(Routed(2, Shadow, "b.cpu:0"), Routed(3, Shadow, "c.cpu:0"));
            throw new SiloUnavailableException("gone");
        };

        await harness.AdvanceAsync(harness.Client.InferAsync(Ask("m", 1)));
        await harness.Client.InferAsync(Ask("m", 2));

        Assert.Equal(new ShadowStatistics(Compared: 2, Different: 0, Failed: 0, Skipped: 0), await ReadShadowAsync(harness, copies: 2));
        Assert.Equal(2, harness.Grains.Asked.Count(asked => asked.EndsWith("c.cpu:0", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_shadow_answers_nobody_even_as_the_highest_version()
    {
        var shadowOnly = new RoutingPolicy { Shadow = new(3, 1, 0) };
        await using var harness = await ClientHarness.StartAsync([Routed(1, shadowOnly), Routed(2, shadowOnly), Routed(3, shadowOnly)]);

        Assert.Equal(2, (await harness.Client.InferAsync(Ask("m", 1))).Model.Version);
        Assert.Equal(1, (await ReadShadowAsync(harness, copies: 1)).Compared);
        harness.Grains.Publish([.. new[] { 1, 2 }.Select(version => Routed(version, shadowOnly) with { State = ModelState.Unavailable, Reason = "broken" }), Routed(3, shadowOnly)]);
        while ((await harness.Client.GetModelAsync("m", 2)).State == ModelState.Ready) await Task.Yield();
        Assert.Equal(InferenceError.NotReady, (await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("m", 1)))).Error);
    }

    [Fact]
    public async Task A_shadow_that_hangs_gets_no_more_copies_than_may_be_under_way_and_holds_nobody_up()
    {
        await using var harness = await ClientHarness.StartAsync([Routed(2, Shadow), Routed(3, Shadow)]);
        var hanging = new TaskCompletionSource<InferenceResponse>();
        harness.Grains.OnInfer = (instance, _, _) => instance.Model.Version == 2 ? Task.FromResult(Answer(instance, 1)) : hanging.Task;

        for (var call = 0; call < 70; call++) await harness.Client.InferAsync(Ask("m", 1));

        Assert.Equal(64, CountAsked(harness, 3));
        Assert.Equal(6, (await ReadShadowAsync(harness, copies: 6)).Skipped);
        hanging.SetResult(Answer(new(new("m", 3), "n.cpu:0"), 1));
        Assert.Equal(64, (await ReadShadowAsync(harness, copies: 70)).Compared);
    }

    private static int CountAsked(ClientHarness harness, int version) =>
        harness.Grains.Asked.Count(asked => asked.StartsWith($"m@{version}/", StringComparison.Ordinal));

    /// <summary>Reads what came of copies, as soon as so many of them have come to something.</summary>
    private static async Task<ShadowStatistics> ReadShadowAsync(ClientHarness harness, long copies)
    {
        while (true)
        {
            var shadow = (await harness.Client.GetStatisticsAsync("m", 3))[0].Statistics.Shadow;
            if (shadow.Compared + shadow.Failed + shadow.Skipped >= copies) return shadow;
            await Task.Yield();
        }
    }
}
