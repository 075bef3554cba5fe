using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class ModelGrainTests
{
    private static readonly InferenceRequest Request = new()
    {
        Model = "numbers",
        Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)],
    };

    [Fact]
    public async Task Every_model_is_loaded_once_on_every_device_by_the_silo_that_owns_it()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        var loaded = cluster.Models.Loaded.ToArray();

        Assert.Equal(4, loaded.Select(load => load.Instance).Distinct().Count());
        Assert.Equal(4, loaded.Length);
        Assert.All(loaded, load => Assert.Equal(load.FirstDevice, load.Instance.Device));
    }

    [Fact]
    public async Task A_call_reaches_the_device_that_its_key_names()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        cluster.Models.OnInfer = (instance, _, _) => Task.FromResult(new InferenceResponse
        {
            Model = instance.Model,
            Outputs = [InferenceTensor.FromStrings("device", [instance.Device])],
        });

        foreach (var instance in new[] { cluster.InstanceOf("numbers", 0), cluster.InstanceOf("numbers", 1) })
        {
            var response = await cluster.Grains.GetModel(instance).InferAsync(Request, default);
            Assert.Equal([instance.Device], response["device"].ToStrings());
        }
    }

    [Fact]
    public async Task A_device_that_no_silo_owns_fails_the_call()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        var nowhere = cluster.Grains.GetModel(new(new("numbers", 1), "elsewhere.cpu:0"));

        await Assert.ThrowsAsync<OrleansException>(async () => await nowhere.InferAsync(Request, default));
    }

    [Fact]
    public async Task Calls_interleave_so_that_the_engine_sees_all_of_them_at_once()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var arrived = new SemaphoreSlim(0);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInfer = async (instance, request, _) =>
        {
            arrived.Release();
            await answer.Task;
            return new() { Model = instance.Model, Outputs = request.Inputs };
        };

        var calls = Enumerable.Range(0, 20).Select(_ => cluster.Client.InferAsync(Request)).ToArray();
        for (var call = 0; call < calls.Length; call++) Assert.True(await arrived.WaitAsync(TimeSpan.FromSeconds(30)));
        answer.SetResult();

        Assert.All(await Task.WhenAll(calls), response => Assert.Equal([1f, 2], response["x"].ToArray<float>()));
    }

    [Fact]
    public async Task A_caller_that_cancels_is_released_and_the_engine_learns_of_it()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInfer = (_, _, token) =>
        {
            var never = new TaskCompletionSource<InferenceResponse>();
            token.Register(() =>
            {
                cancelled.SetResult();
                never.SetCanceled(token);
            });
            arrived.SetResult();
            return never.Task;
        };
        using var caller = new CancellationTokenSource();

        var call = cluster.Client.InferAsync(Request, caller.Token);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_error_keeps_its_code_and_message_on_the_way_to_another_process()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Models.OnInfer = (_, _, _) => throw new InferenceException(InferenceError.QueueFull, "5 of 5 wait");

        var exception = await Assert.ThrowsAsync<InferenceException>(
            async () => await cluster.Grains.GetModel(cluster.InstanceOf("numbers")).InferAsync(Request, default));

        Assert.Equal(InferenceError.QueueFull, exception.Error);
        Assert.Equal("5 of 5 wait", exception.Message);
    }

    [Fact]
    public async Task While_a_model_loads_calls_are_refused_with_the_reason()
    {
        var load = new TaskCompletionSource();
        var models = new ScriptedModels { OnLoad = instance => instance.Model.Name == "numbers" ? load.Task : Task.CompletedTask };
        await using var cluster = await InferenceCluster.StartAsync(models: models, waitUntilReady: false);
        await cluster.WaitAsync(all => all.Any(model => model.State == ModelState.Ready));

        var refused = await Assert.ThrowsAsync<InferenceException>(
            async () => await cluster.Grains.GetModel(cluster.InstanceOf("numbers")).InferAsync(Request, default));

        Assert.Equal(InferenceError.NotReady, refused.Error);
        Assert.Contains("being verified and loaded", refused.Message, StringComparison.Ordinal);
        load.SetResult();
        await cluster.WaitAsync(all => all.All(model => model.State == ModelState.Ready));
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_unavailable_with_the_reason_and_its_neighbour_serves()
    {
        var models = new ScriptedModels
        {
            OnLoad = instance => instance.Model.Name == "pictures"
                ? throw new InferenceException(InferenceError.NotReady, "the archive is truncated")
                : Task.CompletedTask,
        };
        await using var cluster = await InferenceCluster.StartAsync(models: models, waitUntilReady: false);

        var all = await cluster.WaitAsync(all => all.All(model => model.State != ModelState.Loading));

        var broken = all.Single(model => model.Id.Name == "pictures");
        Assert.Equal((ModelState.Unavailable, "the archive is truncated"), (broken.State, broken.Reason));
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_silo_that_stops_unloads_its_models_and_says_so_before_it_goes()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        var leaving = cluster.InstanceOf("numbers", silo: 1);

        var stopped = cluster.StopSiloAsync(1);
        await cluster.WaitAsync(all => all.All(model => model.Instances.All(instance => instance.Id.Device != leaving.Device)));
        await stopped;

        Assert.Contains(leaving, cluster.Models.Unloaded);
        await cluster.AssertEchoesAsync(Request);
    }
}
