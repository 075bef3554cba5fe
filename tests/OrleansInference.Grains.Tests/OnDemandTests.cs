using OrleansInference.Tensors;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class OnDemandTests
{
    private static readonly InferenceRequest Request = new()
    {
        Model = "numbers",
        Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)],
    };

    [Fact]
    public async Task A_model_is_loaded_by_its_first_request_and_answers_it()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2, onDemand: true);
        Assert.Empty(cluster.Models.Loaded);

        await cluster.AssertEchoesAsync(Request);

        Assert.Equal("numbers", Assert.Single(cluster.Models.Loaded).Instance.Model.Name);
    }

    [Fact]
    public async Task However_many_wait_for_a_model_it_is_loaded_once()
    {
        var models = new ScriptedModels();
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        models.OnLoad = _ => loading.Task;
        await using var cluster = await InferenceCluster.StartAsync(silos: 2, models, onDemand: true);

        var answers = Enumerable.Range(0, 20).Select(_ => cluster.AssertEchoesAsync(Request)).ToArray();
        await PollAsync(async () => (await cluster.Client.GetStatisticsAsync("numbers"))[0].Statistics.ColdRequestCount == 20);
        Assert.All(answers, answer => Assert.False(answer.IsCompleted));
        loading.SetResult();
        await Task.WhenAll(answers);

        Assert.Single(models.Loaded);
        var (_, statistics) = Assert.Single(await cluster.Client.GetStatisticsAsync("numbers"));
        Assert.Equal((1, 20), (statistics.LoadCount, statistics.ColdRequestCount));
    }

    [Fact]
    public async Task Whoever_cannot_wait_for_a_model_leaves_it_to_be_loaded_for_the_next()
    {
        var models = new ScriptedModels();
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        models.OnLoad = _ => loading.Task;
        await using var cluster = await InferenceCluster.StartAsync(models: models, onDemand: true);

        var refusal = await Assert.ThrowsAsync<InferenceException>(
            () => cluster.Client.InferAsync(Request with { Deadline = TimeProvider.System.GetUtcNow().AddMilliseconds(200) }));
        Assert.Equal(InferenceError.DeadlineExceeded, refusal.Error);
        loading.SetResult();

        await cluster.AssertEchoesAsync(Request);
        Assert.Single(models.Loaded);
    }

    [Fact]
    public async Task A_model_that_has_made_room_for_another_one_comes_back_when_it_is_asked()
    {
        await using var cluster = await InferenceCluster.StartAsync(onDemand: true);
        await cluster.AssertEchoesAsync(Request);
        var instance = cluster.InstanceOf("numbers");

        await cluster.Models.Leave[instance]();
        Assert.Equal([instance], cluster.Models.Unloaded);
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.All(status => status.State == ModelState.OnDemand));
        await cluster.AssertEchoesAsync(Request);

        Assert.Equal(2, cluster.Models.Loaded.Count);
        var (_, statistics) = Assert.Single(await cluster.Client.GetStatisticsAsync("numbers"));
        // What it did before it left counts.
        Assert.Equal((2, 2, 2), (statistics.LoadCount, statistics.ColdRequestCount, statistics.InferenceCount));
    }

    [Fact]
    public async Task A_model_for_which_there_is_no_room_now_is_not_broken()
    {
        var models = new ScriptedModels { OnLoad = _ => throw new InferenceException(InferenceError.QueueFull, "there is no room") };
        await using var cluster = await InferenceCluster.StartAsync(models: models, onDemand: true);

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.InferAsync(Request));
        Assert.Equal((InferenceError.QueueFull, "there is no room"), (refusal.Error, refusal.Message));
        models.OnLoad = _ => Task.CompletedTask;

        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_refuses_with_the_reason_and_is_not_tried_again_by_the_next_request()
    {
        var models = new ScriptedModels { OnLoad = _ => throw new InferenceException(InferenceError.NotReady, "the file is damaged") };
        await using var cluster = await InferenceCluster.StartAsync(models: models, onDemand: true);

        for (var request = 0; request < 3; request++)
        {
            var refusal = await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.InferAsync(Request));
            Assert.Equal(InferenceError.NotReady, refusal.Error);
            Assert.Contains("the file is damaged", refusal.Message, StringComparison.Ordinal);
            await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").State == ModelState.Unavailable);
        }

        Assert.Single(models.Loaded);
        models.OnLoad = _ => Task.CompletedTask;
        await cluster.Client.LoadModelAsync("numbers");
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_model_that_was_unloaded_on_command_is_not_loaded_by_a_request()
    {
        await using var cluster = await InferenceCluster.StartAsync(onDemand: true);
        await cluster.AssertEchoesAsync(Request);

        await cluster.Client.UnloadModelAsync("numbers");

        Assert.Equal(InferenceError.NotReady, (await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.InferAsync(Request))).Error);
        Assert.Single(cluster.Models.Loaded);
    }

    [Fact]
    public async Task A_model_whose_folder_goes_and_comes_back_is_loaded_by_a_request_again()
    {
        await using var cluster = await InferenceCluster.StartAsync(onDemand: true);
        await cluster.AssertEchoesAsync(Request);

        cluster.Repository.Remove("numbers");
        await cluster.WaitAsync(all => all.All(entry => entry.Id.Name != "numbers"));
        cluster.Repository.Add("numbers");
        await cluster.WaitAsync(all => all.Any(entry => entry.Id.Name == "numbers" && entry.State == ModelState.Ready));

        await cluster.AssertEchoesAsync(Request);
        Assert.Equal(2, cluster.Models.Loaded.Count);
    }

    [Fact]
    public async Task What_is_to_make_room_and_has_been_replaced_meanwhile_leaves_its_successor_in_place()
    {
        await using var cluster = await InferenceCluster.StartAsync(onDemand: true);
        await cluster.AssertEchoesAsync(Request);
        var instance = cluster.InstanceOf("numbers");
        var leave = cluster.Models.Leave[instance];
        cluster.Repository.Change("numbers");
        await cluster.Client.LoadModelAsync("numbers");
        await cluster.Models.UnloadedAsync();

        await leave();

        Assert.Equal([instance], cluster.Models.Unloaded);
    }

    [Fact]
    public async Task A_stream_loads_its_model_too()
    {
        await using var cluster = await InferenceCluster.StartAsync(onDemand: true);

        Assert.Single(await cluster.Client.InferStreamAsync(Request).ToListAsync());
    }

    [Fact]
    public async Task A_model_with_preprocessing_is_loaded_by_its_first_request()
    {
        var models = new ScriptedModels
        {
            OnInfer = (instance, _, _) => Task.FromResult(new InferenceResponse
            {
                Model = instance.Model,
                Outputs = [InferenceTensor.Create("scores", new[] { 1f, 0 }, 1, 2)],
            }),
        };
        await using var cluster = await InferenceCluster.StartAsync(models: models, onDemand: true);

        var response = await cluster.Client.InferAsync(
            new() { Model = "pictures", Inputs = [InferenceTensor.FromBytes("image", [Pictures.Png(2, 2, SKColors.White)], 1, 1)] });

        Assert.Equal("pictures", response.Model.Name);
    }

    [Fact]
    public async Task A_model_that_asks_for_an_instance_is_loaded_without_being_asked_and_never_leaves()
    {
        var models = new ScriptedModels();
        await using var cluster = await InferenceCluster.StartAsync(silos: 2, models, onDemand: true);
        cluster.Repository.Configure("numbers", """
            {"max_batch_size": 4, "min_instances": 1, "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
             "output": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}]}
            """);

        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.Any(instance => instance.State == ModelState.Ready));

        Assert.Single(models.Loaded);
        Assert.Empty(models.Leave);
    }

    private static async Task PollAsync(Func<Task<bool>> condition)
    {
        for (var look = 0; look < 3000 && !await condition(); look++) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        Assert.True(await condition());
    }
}
