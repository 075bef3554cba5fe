using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

/// <summary>Where a cluster loads a model that is not to be everywhere, and what becomes of it as silos come and go.</summary>
public sealed class ReplicaTests
{
    private static readonly InferenceRequest Request = new() { Model = "numbers", Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)] };

    [Fact]
    public async Task A_silo_that_is_drained_hands_its_replica_over_before_it_gives_it_up()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        cluster.Repository.Configure("numbers", Config("\"replicas\": 1"));
        await cluster.WaitAsync(all => PlacesOf(all).Count == 1);
        var silo = ModelInstanceId.SiloOf(PlacesOf(await cluster.Client.GetModelsAsync())[0]);

        await cluster.Client.DrainSiloAsync(silo);

        var place = Assert.Single(PlacesOf(await cluster.WaitAsync(all => PlacesOf(all) is [var device] && ModelInstanceId.SiloOf(device) != silo)));
        Assert.NotEqual(silo, ModelInstanceId.SiloOf(place));
        await cluster.AssertEchoesAsync(Request);
        var drained = (await cluster.Client.GetClusterAsync()).Silos.Single(status => status.Name == silo);
        Assert.Equal(SiloState.Draining, drained.State);
        Assert.Empty(drained.Devices.SelectMany(device => device.Models));

        await cluster.Client.ResumeSiloAsync(silo);

        // What is to be everywhere is there again.
        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "pictures").Instances.Count(instance => instance.State == ModelState.Ready) == 2);
    }

    [Fact]
    public async Task A_silo_that_stops_has_its_replica_made_elsewhere_first_and_one_that_joins_gets_its_share()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);
        foreach (var name in new[] { "a", "b", "c", "d" })
        {
            cluster.Repository.Add(name);
            cluster.Repository.Configure(name, Config("\"replicas\": 1"));
        }

        await cluster.WaitAsync(all => all.Count(entry => entry.Id.Name.Length == 1 && entry.State == ModelState.Ready && entry.Instances.Count == 1) == 4);

        await cluster.StopSiloAsync(1);
        await cluster.WaitAsync(all => all.Where(entry => entry.Id.Name.Length == 1).All(
            entry => entry.State == ModelState.Ready && entry.Instances is [var only] && ModelInstanceId.SiloOf(only.Id.Device) == ModelInstanceId.SiloOf(cluster.InstanceOf("a").Device)));
        await cluster.AddSiloAsync();

        await cluster.WaitAsync(all => all.Where(entry => entry.Id.Name.Length == 1)
            .SelectMany(entry => entry.Instances)
            .Where(instance => instance.State == ModelState.Ready)
            .CountBy(instance => ModelInstanceId.SiloOf(instance.Id.Device))
            .Count(pair => pair.Value == 2) == 2);
    }

    [Fact]
    public async Task A_model_that_nobody_asks_for_leaves_its_last_device_where_that_is_allowed_and_its_next_request_brings_it_back()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Repository.Configure("numbers", Config("\"autoscaling\": { \"min_replicas\": 0, \"max_replicas\": 2, \"idle_seconds\": 5 }"));

        await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.All(instance => instance.State == ModelState.OnDemand));
        Assert.Contains(cluster.InstanceOf("numbers"), cluster.Models.Unloaded);

        await cluster.AssertEchoesAsync(Request);

        Assert.Equal(ModelState.Ready, Assert.Single((await cluster.WaitAsync(all => all.Single(entry => entry.Id.Name == "numbers").Instances.All(
            instance => instance.State == ModelState.Ready))).Single(entry => entry.Id.Name == "numbers").Instances).State);
    }

    [Fact]
    public async Task A_grain_knows_the_calls_that_it_has_and_no_others()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var (asked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        cluster.Models.OnInfer = async (instance, request, _) =>
        {
            asked.SetResult();
            await answer.Task;
            return new() { Model = instance.Model, Outputs = request.Inputs };
        };
        var grain = cluster.Grains.GetModel(cluster.InstanceOf("numbers"));
        var call = grain.InferAsync(Request with { CallId = 7 }, CancellationToken.None).AsTask();
        await asked.Task;

        Assert.Equal(new[] { 8L }, await grain.FindLostAsync([7, 8]));
        Assert.Equal(new[] { 8L }, await cluster.Grains.GetWorker().FindLostAsync([7, 8]));
        answer.SetResult();
        await call;
        Assert.Equal(new[] { 7L, 8 }, await grain.FindLostAsync([7, 8]));
    }

    private static List<string> PlacesOf(IReadOnlyList<ModelEntry> all) =>
        [.. all.Single(entry => entry.Id.Name == "numbers").Instances.Where(instance => instance.State == ModelState.Ready).Select(instance => instance.Id.Device)];

    private static string Config(string more) => $$"""
        {"max_batch_size": 4, {{more}}, "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
         "output": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}]}
        """;
}
