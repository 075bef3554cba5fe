using System.Runtime.CompilerServices;

using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class StreamTests
{
    private static readonly InferenceRequest Request = new()
    {
        Model = "numbers",
        Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)],
    };

    [Fact]
    public async Task Responses_cross_the_cluster_as_they_are_made()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var received = new SemaphoreSlim(0);
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request);
        async IAsyncEnumerable<InferenceResponse> RespondAsync(ModelInstanceId instance, InferenceRequest request)
        {
            for (var i = 0; i < 5; i++)
            {
                yield return new() { Model = instance.Model, Outputs = request.Inputs, IsFinal = i == 4 };
                // Were responses gathered before they are sent, nobody would ever receive the first.
                Assert.True(await received.WaitAsync(TimeSpan.FromSeconds(30)));
            }
        }

        var finals = new List<bool>();
        await foreach (var response in cluster.Client.InferStreamAsync(Request))
        {
            finals.Add(response.IsFinal);
            received.Release();
        }

        Assert.Equal([false, false, false, false, true], finals);
    }

    [Fact]
    public async Task Requests_are_preprocessed_once_and_every_response_is_postprocessed()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        InferenceRequest? network = null;
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request);
        async IAsyncEnumerable<InferenceResponse> RespondAsync(ModelInstanceId instance, InferenceRequest request)
        {
            network = request;
            foreach (var scores in new[] { new[] { 5f, 1 }, [1f, 5] })
            {
                await Task.Yield();
                yield return new() { Model = instance.Model, Outputs = [InferenceTensor.Create("scores", scores, 1, 2)], IsFinal = scores[0] == 1 };
            }
        }

        var request = new InferenceRequest
        {
            Model = "pictures",
            Inputs = [InferenceTensor.FromBytes("image", [Pictures.Png(2, 2, SkiaSharp.SKColors.White)], 1, 1)],
            Outputs = ["label"],
        };
        var responses = await cluster.Client.InferStreamAsync(request).ToListAsync();

        Assert.Equal("pixels", Assert.Single(network!.Inputs).Name);
        Assert.Equal([["dark"], ["light"]], responses.Select(response => response["label"].ToStrings()));
    }

    [Fact]
    public async Task Whoever_leaves_a_stream_ends_it_in_the_engine()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInferStream = (instance, request, token) => RespondAsync(instance, request, token);
        async IAsyncEnumerable<InferenceResponse> RespondAsync(
            ModelInstanceId instance, InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            try
            {
                yield return new() { Model = instance.Model, Outputs = request.Inputs, IsFinal = false };
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            }
            finally
            {
                ended.SetResult();
            }
        }

        await foreach (var response in cluster.Client.InferStreamAsync(Request)) break;

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_failure_in_the_middle_reaches_the_caller_behind_what_came_before()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request);
        async IAsyncEnumerable<InferenceResponse> RespondAsync(ModelInstanceId instance, InferenceRequest request)
        {
            yield return new() { Model = instance.Model, Outputs = request.Inputs, IsFinal = false };
            await Task.FromException(new InferenceException(InferenceError.ModelFailed, "not any more"));
        }

        var received = 0;
        var failure = await Assert.ThrowsAsync<InferenceException>(async () =>
        {
            await foreach (var response in cluster.Client.InferStreamAsync(Request)) received++;
        });

        Assert.Equal((1, InferenceError.ModelFailed, "not any more"), (received, failure.Error, failure.Message));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_under_way_is_finished_by_the_model_that_is_being_replaced_or_loaded_again(bool unloadFirst)
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request, loaded.Task, more: 1);

        var received = 0;
        await foreach (var response in cluster.Client.InferStreamAsync(Request))
        {
            if (received++ > 0) continue;
            if (unloadFirst) await cluster.Client.UnloadModelAsync("numbers");
            cluster.Repository.Change("numbers");
            await cluster.Client.LoadModelAsync("numbers");
            await cluster.AssertEchoesAsync(Request);
            Assert.Empty(cluster.Models.Unloaded);
            loaded.SetResult();
        }

        Assert.Equal(2, received);
        await cluster.Models.UnloadedAsync();
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_model_that_streams_keep_on_the_device_is_not_loaded_twice()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request, end.Task, more: 1);

        await foreach (var response in cluster.Client.InferStreamAsync(Request))
        {
            if (end.Task.IsCompleted) continue;
            var loads = cluster.Models.Loaded.Count;
            await cluster.Client.UnloadModelAsync("numbers");
            await cluster.Client.LoadModelAsync("numbers");
            Assert.Equal(loads, cluster.Models.Loaded.Count);
            end.SetResult();
        }

        await cluster.AssertEchoesAsync(Request);
        Assert.Empty(cluster.Models.Unloaded);
    }

    [Fact]
    public async Task A_silo_that_stops_waits_for_its_streams()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request, stopping.Task, more: 20);

        var grain = cluster.Grains.GetModel(cluster.InstanceOf("numbers", 1));
        Task stop = Task.CompletedTask;
        var received = 0;
        await foreach (var response in grain.InferStreamAsync(Request, default))
        {
            if (received++ > 0) continue;
            stop = cluster.StopSiloAsync(1);
            // The farewell has been said when nobody knows the device any more.
            await cluster.WaitAsync(all => all.All(entry => entry.Instances.Count == 1));
            stopping.SetResult();
        }

        Assert.Equal(21, received);
        await stop;
    }

    [Fact]
    public async Task A_stream_under_way_is_finished_by_the_model_that_is_being_unloaded()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var unloading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Models.OnInferStream = (instance, request, _) => RespondAsync(instance, request, unloading.Task, more: 4);

        var received = 0;
        await foreach (var response in cluster.Client.InferStreamAsync(Request))
        {
            if (received++ > 0) continue;
            await cluster.Client.UnloadModelAsync("numbers");
            Assert.Empty(cluster.Models.Unloaded);
            unloading.SetResult();
        }

        Assert.Equal(5, received);
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.Count == 0);
        Assert.Single(cluster.Models.Unloaded);
    }

    /// <summary>One response at once, and more of them when the test says so.</summary>
    private static async IAsyncEnumerable<InferenceResponse> RespondAsync(
        ModelInstanceId instance, InferenceRequest request, Task gate, int more)
    {
        yield return new() { Model = instance.Model, Outputs = request.Inputs, IsFinal = false };
        await gate;
        for (var left = more; left > 0; left--) yield return new() { Model = instance.Model, Outputs = request.Inputs, IsFinal = left == 1 };
    }
}
