using OrleansInference.Tensors;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class InferenceWorkerGrainTests
{
    private static readonly InferenceRequest Numbers = new() { Model = "numbers", Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)] };

    [Fact]
    public async Task A_clients_calls_of_one_worker_all_reach_the_same_silo_so_that_it_can_be_asked_what_has_become_of_them()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 3);
        var silos = new HashSet<string>();
        for (var key = 0; key < 9; key++)
        {
            var answers = new List<string>();
            for (var call = 0; call < 6; call++) answers.Add(await cluster.Grains.GetWorker(key).GetSiloAsync());
            silos.Add(Assert.Single(answers.Distinct()));
        }

        Assert.Equal(Enumerable.Range(0, 3).Select(silo => ModelInstanceId.SiloOf(cluster.InstanceOf("numbers", silo).Device)).ToHashSet(), silos);
    }

    [Fact]
    public async Task A_worker_passes_a_request_on_to_a_model_of_its_own_silo_and_refuses_one_for_another()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        ModelInstanceId[] instances = [cluster.InstanceOf("numbers", 0), cluster.InstanceOf("numbers", 1)];
        var worker = cluster.Grains.GetWorker();
        var silo = await worker.GetSiloAsync();

        var response = await worker.PassAsync(Numbers, instances.Single(instance => ModelInstanceId.SiloOf(instance.Device) == silo), default);
        var refusal = await Assert.ThrowsAsync<InferenceException>(
            () => worker.PassAsync(Numbers, instances.Single(instance => ModelInstanceId.SiloOf(instance.Device) != silo), default).AsTask());

        Assert.Equal([1f, 2], response["x"].ToArray<float>());
        Assert.Equal(InferenceError.Unavailable, refusal.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_that_cancels_what_a_worker_has_is_released_and_the_engine_learns_of_it(bool isPassedOn)
    {
        await using var cluster = await InferenceCluster.StartAsync();
        using var arrived = new SemaphoreSlim(0);
        using var cancelled = new SemaphoreSlim(0);
        cluster.Models.OnInfer = async (_, _, token) =>
        {
            arrived.Release();
            using var registration = token.Register(() => cancelled.Release());
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            throw new InvalidOperationException("Time never ends.");
        };
        using var caller = new CancellationTokenSource();

        // Several at once: of several workers each would have some of them.
        var calls = Enumerable.Range(0, 8).Select(_ => isPassedOn
            ? cluster.Grains.GetWorker().PassAsync(Numbers, cluster.InstanceOf("numbers"), caller.Token).AsTask()
            : cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White)]), caller.Token)).ToList();
        foreach (var call in calls) Assert.True(await arrived.WaitAsync(TimeSpan.FromSeconds(30)));
        await caller.CancelAsync();

        foreach (var call in calls)
        {
            Assert.True(await cancelled.WaitAsync(TimeSpan.FromSeconds(30)));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }
    }

    [Fact]
    public async Task Pictures_go_in_and_probabilities_and_labels_come_out()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        InferenceTensor? pixels = null;
        cluster.Models.OnInfer = (instance, request, _) =>
        {
            pixels = request.Inputs[0];
            return Task.FromResult(new InferenceResponse
            {
                Model = instance.Model,
                Outputs = [InferenceTensor.Create("scores", new[] { 0f, MathF.Log(3), 1000, 1000 - MathF.Log(4) }, 2, 2)],
            });
        };

        var response = await cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White), Pictures.Png(2, 2, SKColors.Black)]));

        Assert.Equal("pixels", pixels!.Name);
        Assert.Equal([2, 1, 2, 2], pixels.Shape.ToArray());
        Assert.Equal([255f, 255, 255, 255, 0, 0, 0, 0], pixels.ToArray<float>());
        Assert.Equal(["scores", "label"], response.Outputs.Select(output => output.Name));
        Assert.All(
            response["scores"].ToArray<float>().Zip([0.25f, 0.75f, 0.8f, 0.2f]), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
        Assert.Equal(["light", "dark"], response["label"].ToStrings());
        Assert.Equal([2, 1], response["label"].Shape.ToArray());
    }

    [Fact]
    public async Task Outputs_are_chosen_after_postprocessing()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Models.OnInfer = (instance, _, _) => Task.FromResult(new InferenceResponse
        {
            Model = instance.Model,
            Outputs = [InferenceTensor.Create("scores", new[] { 2f, 1 }, 1, 2)],
        });

        var response = await cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White)]) with { Outputs = ["label"] });

        Assert.Equal(["dark"], Assert.Single(response.Outputs).ToStrings());
    }

    [Fact]
    public async Task What_is_no_picture_is_refused_by_its_place_before_any_model_runs()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var asked = false;
        cluster.Models.OnInfer = (_, _, _) =>
        {
            asked = true;
            throw new InvalidOperationException();
        };

        var exception = await Assert.ThrowsAsync<InferenceException>(
            () => cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White), "no picture"u8.ToArray()])));

        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains("input 'image', picture 1,", exception.Message, StringComparison.Ordinal);
        Assert.False(asked);
    }

    [Fact]
    public async Task A_picture_that_is_sent_as_its_pixels_is_postprocessed_as_any_other()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        InferenceTensor? seen = null;
        cluster.Models.OnInfer = (instance, request, _) =>
        {
            seen = Assert.Single(request.Inputs);
            return Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = [InferenceTensor.Create("scores", new[] { 1f, 2 }, 1, 2)] });
        };
        var pixels = InferenceTensor.Create("pixels", new[] { 1f, 2, 3, 4 }, 1, 1, 2, 2);

        var response = await cluster.Client.InferAsync(new() { Model = "pictures", Inputs = [pixels], Outputs = ["label"] });

        Assert.Equal([1f, 2, 3, 4], seen!.ToArray<float>());
        Assert.Equal(["light"], Assert.Single(response.Outputs).ToStrings());
    }

    [Fact]
    public async Task A_model_without_a_network_of_its_own_has_its_steps_done_by_themselves()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var worker = cluster.Grains.GetWorker();
        var request = Request([Pictures.Png(2, 2, SKColors.White)]) with { Id = "7", Outputs = ["label"] };
        var scores = new InferenceResponse { Model = new("other", 3), Outputs = [InferenceTensor.Create("scores", new[] { 1f, 2 }, 1, 2)] };

        var network = await worker.PreprocessAsync(request, new("pictures", 1), CancellationToken.None);
        var response = await worker.PostprocessAsync(request, scores, new("pictures", 1), CancellationToken.None);

        Assert.Equal("pixels", Assert.Single(network.Inputs).Name);
        Assert.Equal([255f, 255, 255, 255], network.Inputs[0].ToArray<float>());
        Assert.Equal(("7", 0), (network.Id, network.Outputs.Count));
        Assert.Equal(["light"], Assert.Single(response.Outputs).ToStrings());
        Assert.Equal(new("other", 3), response.Model);
    }

    [Fact]
    public async Task Steps_of_a_model_that_the_silo_does_not_have_cannot_be_done()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        var exception = await Assert.ThrowsAsync<InferenceException>(
            () => cluster.Grains.GetWorker().PreprocessAsync(Request([]), new("pictures", 2), CancellationToken.None).AsTask());

        Assert.Equal(InferenceError.NotReady, exception.Error);
        Assert.Contains("pictures@2", exception.Message, StringComparison.Ordinal);
    }

    private static InferenceRequest Request(byte[][] pictures) => new()
    {
        Model = "pictures",
        Inputs = [InferenceTensor.FromBytes("image", [.. pictures.Select(picture => (ReadOnlyMemory<byte>)picture)], pictures.Length, 1)],
    };
}
