using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class ModelChangeTests
{
    [Fact]
    public async Task Whoever_has_loaded_a_model_finds_it_ready_from_then_on()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, ModelState.Unavailable, devices: "n.cpu:0")]);

        await harness.Client.LoadModelAsync("m");

        await harness.Client.InferAsync(ClientHarness.Request);
    }

    [Fact]
    public async Task Whoever_has_unloaded_a_model_is_refused_from_then_on()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);

        await harness.Client.UnloadModelAsync("m");

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));
        Assert.Equal(InferenceError.NotReady, refusal.Error);
    }

    [Fact]
    public async Task A_change_while_no_silo_answers_is_refused_as_unavailable()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.IsGone = true;

        foreach (var change in new[] { harness.Client.LoadModelAsync("m"), harness.Client.UnloadModelAsync("m") })
            Assert.Equal(InferenceError.Unavailable, (await Assert.ThrowsAsync<InferenceException>(() => change)).Error);
    }

    [Fact]
    public async Task Silos_are_shown_drained_and_resumed()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);

        harness.Grains.StillHeld = 2;

        var drain = harness.Client.DrainSiloAsync("a");
        while (!drain.IsCompleted)
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        await drain;
        await harness.Client.ResumeSiloAsync("a");

        Assert.Equal(["drain a", "is a drained", "is a drained", "is a drained", "resume a"], harness.Grains.SiloChanges);
        Assert.Equal("a", Assert.Single((await harness.Client.GetClusterAsync()).Silos).Name);
    }

    [Fact]
    public async Task A_cluster_that_is_gone_can_be_neither_shown_nor_changed()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        harness.Grains.IsGone = true;

        foreach (var ask in new Func<Task>[] { () => harness.Client.GetClusterAsync(), () => harness.Client.DrainSiloAsync("a"), () => harness.Client.ResumeSiloAsync("a") })
            Assert.Equal(InferenceError.Unavailable, (await Assert.ThrowsAsync<InferenceException>(ask)).Error);
    }
}
