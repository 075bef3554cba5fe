using System.IO.Pipelines;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Requests that are being read hold memory, and all of them together no more than a limit.</summary>
public sealed class HeldRequestTests
{
    [Fact]
    public async Task A_body_that_does_not_fit_beside_the_others_is_429_until_they_are_read()
    {
        await using var door = await FrontDoor.StartAsync(maxHeldBytes: 100_000);
        var slow = new Pipe();
        var slowAnswer = door.InferAsync("identity", Bodies.RawStream(slow.Reader.AsStream()));
        await slow.Writer.WriteAsync(new byte[80_000]);

        while (door.Memory.Held < 80_000) await Task.Yield();

        var refused = await door.InferAsync("identity", Bodies.Raw(new byte[80_000]));

        refused.AssertError(429, "100000", "MaxHeldBytes");
        Assert.True(refused.Headers.ContainsKey("Retry-After"));
        await slow.Writer.CompleteAsync();
        (await slowAnswer).AssertOk();
        (await door.InferAsync("identity", Bodies.Raw(new byte[80_000]))).AssertOk();
    }

    [Fact]
    public async Task Refused_and_broken_bodies_give_their_memory_back()
    {
        await using var door = await FrontDoor.StartAsync(maxRequestBytes: 50_000, maxHeldBytes: 60_000);

        for (var request = 0; request < 10; request++)
        {
            (await door.InferAsync("identity", Bodies.RawStream(new MemoryStream(new byte[50_001])))).AssertError(413, "50000");
            (await door.InferAsync("identity", Bodies.Json(new string('x', 40_000)))).AssertError(400);
        }

        (await door.InferAsync("identity", Bodies.Raw(new byte[48_000]))).AssertOk();
        Assert.Equal(0, door.Memory.Held);
    }
}
