using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

/// <summary>What happens to a request that finds the instance gone that was ready when it came in.</summary>
public sealed class StalePictureTests
{
    private static readonly InferenceException Gone = new(InferenceError.NotReady, "it is being unloaded");

    [Fact]
    public async Task A_request_that_comes_too_late_for_a_version_is_answered_by_the_one_that_took_its_place()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            if (instance.Model.Version == 2) return Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
            harness.Grains.Publish(Model("m", 2, devices: "n.cpu:0"));
            return Task.FromException<InferenceResponse>(Gone);
        };

        Assert.Equal(2, (await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request))).Model.Version);
    }

    [Fact]
    public async Task So_is_a_stream_that_has_not_begun()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInferStream = (instance, request, _) => StreamAsync(instance, request);

        Assert.Equal(2, Assert.Single(await harness.AdvanceAsync(harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync().AsTask())).Model.Version);

        async IAsyncEnumerable<InferenceResponse> StreamAsync(ModelInstanceId instance, InferenceRequest request)
        {
            await Task.Yield();
            if (instance.Model.Version == 1)
            {
                harness.Grains.Publish(Model("m", 2, devices: "n.cpu:0"));
                throw Gone;
            }

            yield return new() { Model = instance.Model, Outputs = request.Inputs };
        }
    }

    [Fact]
    public async Task A_request_for_a_version_that_has_gone_is_told_so()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (_, _, _) =>
        {
            harness.Grains.Publish(Model("m", 2, devices: "n.cpu:0"));
            return Task.FromException<InferenceResponse>(Gone);
        };

        var refusal = await Assert.ThrowsAsync<InferenceException>(
            () => harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request with { Version = 1 })));

        Assert.Equal((InferenceError.NotFound, "Request for unknown model: 'm' version 1 is not found"), (refusal.Error, refusal.Message));
    }

    [Fact]
    public async Task Where_nothing_changes_the_refusal_stands_after_a_moment()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (_, _, _) => Task.FromException<InferenceResponse>(Gone);

        var answer = harness.Client.InferAsync(ClientHarness.Request);
        while (!answer.IsCompleted)
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => answer);
        Assert.Same(Gone.Message, refusal.Message);
        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task A_catalog_that_does_not_answer_is_waited_for_since_it_may_know_more()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (instance, request, _) => instance.Model.Version == 2
            ? Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs })
            : Task.FromException<InferenceResponse>(Gone);
        harness.Grains.IsGone = true;
        await harness.PassAsync(TimeSpan.FromSeconds(6));

        var answer = harness.Client.InferAsync(ClientHarness.Request);
        await harness.PassAsync(TimeSpan.FromSeconds(10));

        Assert.False(answer.IsCompleted);
        harness.Grains.IsGone = false;
        harness.Grains.Publish(Model("m", 2, devices: "n.cpu:0"));
        Assert.Equal(2, (await harness.AdvanceAsync(answer)).Model.Version);
    }

    [Fact]
    public async Task The_deadline_ends_the_wait_for_a_change()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (_, _, _) => Task.FromException<InferenceResponse>(Gone);

        var answer = harness.Client.InferAsync(ClientHarness.Request with { Deadline = harness.Time.GetUtcNow().AddSeconds(1) });
        harness.Time.Advance(TimeSpan.FromSeconds(1));

        await Assert.ThrowsAsync<InferenceException>(() => answer);
    }

    [Fact]
    public async Task A_model_that_is_loaded_on_demand_can_be_asked()
    {
        var model = Model("m", 1, devices: "n.cpu:0");
        var onDemand = model with { Instances = [model.Instances[0] with { State = ModelState.OnDemand }] };
        await using var harness = await ClientHarness.StartAsync([onDemand]);

        Assert.Equal("m", (await harness.Client.InferAsync(ClientHarness.Request)).Model.Name);
    }

    [Fact]
    public async Task An_instance_that_is_loaded_is_asked_rather_than_one_that_would_have_to_be()
    {
        var model = Model("m", 1, devices: ["n.cpu:0", "n.cpu:1"]);
        var mixed = model with { Instances = [model.Instances[0] with { State = ModelState.OnDemand }, model.Instances[1]] };
        await using var harness = await ClientHarness.StartAsync([mixed]);

        for (var request = 0; request < 20; request++) await harness.Client.InferAsync(ClientHarness.Request);

        Assert.All(harness.Grains.Asked, asked => Assert.Equal("m@1/n.cpu:1", asked));
    }
}
