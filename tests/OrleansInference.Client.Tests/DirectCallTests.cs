using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class DirectCallTests
{
    [Fact]
    public async Task A_model_that_this_process_has_loaded_is_asked_without_its_grain()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Local.OnInfer = AnswerAsync;

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(["m@1/n.cpu:0"], harness.Local.Asked);
        Assert.Empty(harness.Grains.Asked);
    }

    [Fact]
    public async Task A_model_that_this_process_has_not_loaded_is_asked_through_its_grain()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(["m@1/n.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task Where_direct_calls_are_switched_off_every_request_is_a_grain_call()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")], ("DirectCalls", "false"));
        harness.Local.OnInfer = AnswerAsync;

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Empty(harness.Local.Asked);
        Assert.Equal(["m@1/n.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task Preprocessing_stays_with_the_workers()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", hasProcessing: true, devices: "n.cpu:0")]);
        harness.Local.OnInfer = AnswerAsync;

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(["m@1/n.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task A_model_that_is_being_replaced_here_is_asked_through_its_grain()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Local.OnInfer = (_, _) => Task.FromException<InferenceResponse>(Unloading());

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(["m@1/n.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task A_model_that_is_unloaded_here_meanwhile_is_asked_elsewhere()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["here.cpu:0", "there.cpu:0"])]);
        harness.Local.OnInfer = (instance, _) => instance.Device == "here.cpu:0" ? Task.FromException<InferenceResponse>(Unloading()) : null;
        harness.Grains.OnInfer = (instance, request, _) => instance.Device == "here.cpu:0" ? throw Unloading() : AnswerAsync(instance, request);

        // Wherever the first choice falls, a later one finds the device that is left.
        for (var i = 0; i < 20; i++) await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Contains("m@1/here.cpu:0", harness.Local.Asked);
    }

    private static InferenceException Unloading() => new(InferenceError.NotReady, "it is being unloaded");

    private static Task<InferenceResponse> AnswerAsync(ModelInstanceId instance, InferenceRequest request) =>
        Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
}
