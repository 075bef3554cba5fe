using Grpc.Core;

using OrleansInference.AspNetCore.Tests.Grpc;
using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task A_server_that_is_shutting_down_takes_no_more_inferences_but_still_says_what_it_is()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Door.Lifetime.StopApplication();

        (await door.Door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertError(503, "shutting down");
        (await door.Door.PostAsync("/v2/models/identity/generate", """{"INPUT0": 1}""")).AssertError(503, "shutting down");
        (await door.Door.PostAsync("/v2/models/identity/generate_stream", """{"INPUT0": 1}""")).AssertError(503, "shutting down");
        await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, async () => await door.Api.ModelInferAsync(Requests.Number(1)), "shutting down");
        (await door.Door.GetAsync("/v2/models/identity")).AssertOk();
        (await door.Door.GetAsync("/v2/health/live")).AssertOk();
        Assert.Empty(door.Client.Requests);
    }
}
