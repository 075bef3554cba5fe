using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class ModelLoadTests
{
    private static readonly InferenceRequest Request = new()
    {
        Model = "numbers",
        Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)],
    };

    [Fact]
    public async Task A_model_that_is_unloaded_refuses_requests_with_the_reason_and_leaves_every_device()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        await cluster.Client.UnloadModelAsync("numbers");

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.InferAsync(Request));
        Assert.Equal(InferenceError.NotReady, refusal.Error);
        Assert.Contains("unloaded", refusal.Message, StringComparison.Ordinal);
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers") is { Instances: [], State: ModelState.Unavailable });
        Assert.Equal(2, cluster.Models.Unloaded.Count(instance => instance.Model.Name == "numbers"));
    }

    [Fact]
    public async Task A_model_that_is_loaded_again_answers_as_soon_as_the_call_returns()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        await cluster.Client.UnloadModelAsync("numbers");
        await cluster.Client.LoadModelAsync("numbers");

        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_request_under_way_is_answered_by_the_model_that_is_being_unloaded()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInfer = async (instance, request, _) =>
        {
            arrived.SetResult();
            await answer.Task;
            return new() { Model = instance.Model, Outputs = request.Inputs };
        };
        var underWay = cluster.AssertEchoesAsync(Request);
        await arrived.Task;

        await cluster.Client.UnloadModelAsync("numbers");
        Assert.Empty(cluster.Models.Unloaded);
        answer.SetResult();

        await underWay;
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.Count == 0);
        Assert.Single(cluster.Models.Unloaded);
    }

    [Fact]
    public async Task Whoever_still_believes_in_an_unloaded_instance_does_not_bring_it_back()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        await cluster.Client.UnloadModelAsync("numbers");
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.Count == 0);
        var loaded = cluster.Models.Loaded.Count;

        var stale = cluster.Grains.GetModel(cluster.InstanceOf("numbers"));
        var refusal = await Assert.ThrowsAsync<InferenceException>(async () => await stale.InferAsync(Request, default));

        Assert.Equal(InferenceError.NotReady, refusal.Error);
        Assert.Equal(loaded, cluster.Models.Loaded.Count);
    }

    [Fact]
    public async Task A_model_that_was_added_while_running_is_served_when_it_is_loaded()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        cluster.Repository.Add("later");
        await cluster.Client.LoadModelAsync("later");

        await cluster.AssertEchoesAsync(Request with { Model = "later" });
    }

    [Fact]
    public async Task A_new_version_takes_the_place_of_the_old_one_which_answers_until_then()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var verified = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnLoad = _ => verified.Task;

        cluster.Repository.Add("numbers", version: 2);
        var load = cluster.Client.LoadModelAsync("numbers");
        await cluster.WaitAsync(all => all.Any(entry => entry.Id == new ModelId("numbers", 2) && entry.State == ModelState.Loading));
        Assert.Equal(1, (await cluster.Client.InferAsync(Request)).Model.Version);
        verified.SetResult();
        await load;

        Assert.Equal(2, (await cluster.Client.InferAsync(Request)).Model.Version);
        await cluster.WaitAsync(all => all.Count(entry => entry.Id.Name == "numbers") == 1);
        Assert.Equal(new ModelId("numbers", 1), Assert.Single(cluster.Models.Unloaded).Model);
    }

    [Fact]
    public async Task A_file_that_has_changed_is_loaded_beside_what_was_there()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        await cluster.Client.LoadModelAsync("numbers");
        Assert.Empty(cluster.Models.Unloaded);
        cluster.Repository.Change("numbers");
        await cluster.Client.LoadModelAsync("numbers");

        Assert.Equal(2, cluster.Models.Loaded.Count(load => load.Instance.Model.Name == "numbers"));
        Assert.Single(cluster.Models.Unloaded);
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_change_that_cannot_be_loaded_is_an_error_and_what_was_there_answers_on()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Models.OnLoad = _ => throw new InferenceException(InferenceError.NotReady, "the archive is broken");

        cluster.Repository.Change("numbers");
        var failure = await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.LoadModelAsync("numbers"));

        Assert.Equal((InferenceError.NotReady, "failed to load 'numbers': the archive is broken"), (failure.Error, failure.Message));
        await cluster.AssertEchoesAsync(Request);
        var entry = await cluster.Client.GetModelAsync("numbers");
        Assert.Contains("the archive is broken", entry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_has_become_broken_is_an_error_and_what_was_there_answers_on()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        cluster.Repository.Configure("numbers", "{");
        var failure = await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.LoadModelAsync("numbers"));

        Assert.Equal(InferenceError.NotReady, failure.Error);
        Assert.Contains("config.json", failure.Message, StringComparison.Ordinal);
        await cluster.AssertEchoesAsync(Request);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("../numbers")]
    [InlineData("")]
    public async Task A_model_that_is_nowhere_cannot_be_loaded_or_unloaded(string model)
    {
        await using var cluster = await InferenceCluster.StartAsync();

        foreach (var change in new[] { name => cluster.Client.LoadModelAsync(name), (Func<string, Task>)(name => cluster.Client.UnloadModelAsync(name)) })
        {
            var failure = await Assert.ThrowsAsync<InferenceException>(() => change(model));
            Assert.Equal(InferenceError.NotFound, failure.Error);
        }
    }

    [Fact]
    public async Task Unloading_a_model_while_it_is_being_loaded_ends_the_loading()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        await cluster.Client.UnloadModelAsync("numbers");
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.Count == 0);
        cluster.Models.OnLoad = _ => new TaskCompletionSource().Task;

        var load = cluster.Client.LoadModelAsync("numbers");
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").State == ModelState.Loading);
        await cluster.Client.UnloadModelAsync("numbers");

        var failure = await Assert.ThrowsAsync<InferenceException>(() => load);
        Assert.Contains("unloaded while it was being loaded", failure.Message, StringComparison.Ordinal);
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers") is { Instances: [], State: ModelState.Unavailable });
    }

    [Fact]
    public async Task Unloading_a_model_that_the_silo_loads_by_itself_ends_that_too()
    {
        await using var cluster = await InferenceCluster.StartAsync(
            models: new() { OnLoad = _ => new TaskCompletionSource().Task }, waitUntilReady: false);
        await cluster.WaitAsync(all => all.Any(entry => entry.Id.Name == "numbers" && entry.Instances.Count == 1));

        await cluster.Client.UnloadModelAsync("numbers");

        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers") is { Instances: [], State: ModelState.Unavailable });
    }

    [Fact]
    public async Task The_process_of_a_silo_can_ask_its_models_directly_while_they_are_loaded()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var instance = cluster.InstanceOf("numbers");

        Assert.Equal(Request.Inputs, (await cluster.Local.TryInferAsync(instance, Request, default)!).Outputs);
        await cluster.Client.UnloadModelAsync("numbers");

        Assert.Null(cluster.Local.TryInferAsync(instance, Request, default));
        Assert.Null(cluster.Local.TryInferAsync(instance with { Device = "elsewhere.cpu:0" }, Request, default));
    }

    [Fact]
    public async Task A_model_that_was_unloaded_stays_so_when_a_silo_joins_or_the_catalog_moves()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        await cluster.Client.UnloadModelAsync("numbers");

        await cluster.StopSiloAsync(1);
        await cluster.AddSiloAsync();

        var models = await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "pictures").Instances.Count(
            instance => instance.State == ModelState.Ready) == 2);
        Assert.Equal(ModelState.Unavailable, models.Single(entry => entry.Id.Name == "numbers").State);
    }

    [Fact]
    public async Task Loads_and_unloads_at_the_same_time_end_in_what_was_asked_last()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        var changes = Enumerable.Range(0, 20).Select(index =>
            index % 2 == 0 ? cluster.Client.UnloadModelAsync("numbers") : cluster.Client.LoadModelAsync("numbers"));
        await Task.WhenAll(changes.Select(change => change.ContinueWith(_ => { }, TaskScheduler.Default)));
        await cluster.Client.LoadModelAsync("numbers");

        await cluster.AssertEchoesAsync(Request);
    }
}
