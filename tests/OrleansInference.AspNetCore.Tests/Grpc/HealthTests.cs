using Grpc.Core;
using Grpc.Health.V1;

using OrleansInference.AspNetCore.Tests.Hosting;

using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class HealthTests
{
    private const int Limit = 60_000;

    [Theory]
    [InlineData("")]
    [InlineData("inference.GRPCInferenceService")]
    public async Task The_server_serves_once_no_model_is_being_loaded(string service)
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.IsReady = false;
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(door, service));

        door.Client.IsReady = true;
        Assert.Equal(ServingStatus.Serving, await CheckAsync(door, service));

        door.Door.Lifetime.StopApplication();
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(door, service));
    }

    [Fact]
    public async Task Models_are_services_of_their_own()
    {
        await using var door = await GrpcDoor.StartAsync();

        Assert.Equal(ServingStatus.Serving, await CheckAsync(door, "simple"));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(door, "loading"));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(door, "broken"));
        await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, () => CheckAsync(door, "nothing"), "'nothing'");
    }

    [Fact(Timeout = Limit)]
    public async Task A_watcher_hears_at_once_and_then_of_every_change_until_the_server_stops()
    {
        await using var door = await GrpcDoor.StartAsync();
        using var watch = door.Health.Watch(new HealthCheckRequest { Service = "late" });
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(door, watch));

        door.Client.Models.Add(Models.NotReady("late", 1, ModelState.Loading, "soon"));
        Assert.Equal(ServingStatus.NotServing, await NextAsync(door, watch));

        door.Client.Models[^1] = Models.Ready("late", 0, [], []);
        Assert.Equal(ServingStatus.Serving, await NextAsync(door, watch));

        door.Door.Lifetime.StopApplication();
        Assert.Equal(ServingStatus.NotServing, await NextAsync(door, watch));
        Assert.False(await watch.ResponseStream.MoveNext());
    }

    private static async Task<ServingStatus> CheckAsync(GrpcDoor door, string service) =>
        (await door.Health.CheckAsync(new HealthCheckRequest { Service = service })).Status;

    private static async Task<ServingStatus> NextAsync(GrpcDoor door, AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        var next = watch.ResponseStream.MoveNext();
        // The server looks once a second; here a second passes whenever it might.
        while (!next.IsCompleted)
        {
            door.Door.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(await next);
        return watch.ResponseStream.Current.Status;
    }
}
