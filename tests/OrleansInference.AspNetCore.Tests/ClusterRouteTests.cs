using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

public sealed class ClusterRouteTests
{
    [Fact]
    public async Task The_cluster_is_shown_with_its_silos_their_devices_and_the_models_on_them()
    {
        await using var door = await FrontDoor.StartAsync();
        var model = new DeviceModel(new("digits", 2), ModelState.Ready, QueueDepth: 3);
        door.Client.Cluster = new(
            [
                new("a", SiloState.Active, [new("a.cuda:0", "cuda", new(1000, 250), [model])]),
                new("b", SiloState.Draining, []),
            ]);

        var answer = await door.GetAsync("/v2/cluster");

        answer.AssertOk();
        Assert.Equal(
            """
            {"silos":[{"name":"a","status":"active","devices":[{"name":"a.cuda:0","kind":"cuda","memory_total_bytes":1000,"memory_used_bytes":250,"models":[{"name":"digits","version":"2","state":"READY","queue_depth":3}]}]},{"name":"b","status":"draining","devices":[]}]}
            """,
            answer.Text);
    }

    [Theory]
    [InlineData("drain")]
    [InlineData("resume")]
    public async Task A_silo_is_drained_and_resumed_by_its_name(string change)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.PostAsync($"/v2/cluster/silos/node-1.b/{change}", "");

        answer.AssertOk();
        Assert.Empty(answer.Body);
        Assert.Equal([$"{change} node-1.b"], door.Client.Changes);
    }

    [Theory]
    [InlineData(InferenceError.NotFound, 404)]
    [InlineData(InferenceError.Unavailable, 503)]
    public async Task A_silo_that_cannot_be_drained_is_an_error(InferenceError error, int status)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.OnChange = _ => Task.FromException(new InferenceException(error, "no such silo"));

        (await door.PostAsync("/v2/cluster/silos/a/drain", "")).AssertError(status, "no such silo");
    }
}
