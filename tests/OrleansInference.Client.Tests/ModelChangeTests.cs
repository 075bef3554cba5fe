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
}
