using System.IO.Pipelines;

using Grpc.Core;

using Inference;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>Messages that arrive hold memory beside the bodies of REST, and all of them together no more than a limit.</summary>
public sealed class HeldMessageTests
{
    private const int Size = 80_000;
    private const int Limit = 100_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_that_does_not_fit_beside_other_requests_is_refused_until_they_are_read(bool streamed)
    {
        await using var door = await GrpcDoor.StartAsync(maxHeldBytes: Limit);
        var slow = new Pipe();
        var slowAnswer = door.Door.InferAsync("identity", Bodies.RawStream(slow.Reader.AsStream()));
        await slow.Writer.WriteAsync(new byte[Size]);

        while (door.Door.Memory.Held < Size) await Task.Yield();

        var refused = await TryAsync(door, streamed);

        Assert.NotNull(refused);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains($"{Limit} bytes (MaxHeldBytes)", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(refused.Trailers, trailer => trailer.Key == "grpc-retry-pushback-ms");
        await slow.Writer.CompleteAsync();
        (await slowAnswer).AssertOk();
        Assert.Null(await TryAsync(door, streamed));
    }

    [Fact]
    public async Task Messages_give_their_memory_back_when_they_are_read()
    {
        await using var door = await GrpcDoor.StartAsync(maxHeldBytes: Limit);
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var echo = door.Client.Answer;
        door.Client.Answer = async (request, cancellationToken) =>
        {
            // Read, but not yet answered: what the model works on is no longer counted.
            await last.Task;
            return await echo(request, cancellationToken);
        };
        using var stream = door.Api.ModelStreamInfer();

        for (var request = 0; request < 10; request++)
        {
            await stream.RequestStream.WriteAsync(Message());
            while (door.Client.Requests.Count <= request) await Task.Yield();
        }

        last.SetResult();
        await stream.RequestStream.CompleteAsync();
        Assert.All(await stream.ResponseStream.ReadAllAsync().ToListAsync(), answer => Assert.Empty(answer.ErrorMessage));
        Assert.Equal(10, door.Client.Requests.Count);
        Assert.Equal(0, door.Door.Memory.Held);
    }

    [Fact]
    public async Task Refused_and_broken_messages_give_their_memory_back_too()
    {
        await using var door = await GrpcDoor.StartAsync(maxHeldBytes: Limit);

        for (var request = 0; request < 5; request++)
        {
            await GrpcDoor.AssertStatusAsync(
                StatusCode.ResourceExhausted,
                async () => await door.Api.ModelInferAsync(Requests.Raw("UINT8", [2 * Limit], new byte[2 * Limit])),
                "MaxHeldBytes");
            await door.AssertRefusedAsync(Requests.Raw("UINT8", [1], new byte[Size]), "'INPUT0'");
        }

        Assert.Equal(0, door.Door.Memory.Held);
    }

    private static ModelInferRequest Message() => Requests.Raw("UINT8", [Size], new byte[Size]);

    private static async Task<RpcException?> TryAsync(GrpcDoor door, bool streamed)
    {
        try
        {
            if (!streamed)
            {
                await door.Api.ModelInferAsync(Message());
                return null;
            }

            using var stream = door.Api.ModelStreamInfer();
            await stream.RequestStream.WriteAsync(Message());
            await stream.RequestStream.CompleteAsync();
            await stream.ResponseStream.ReadAllAsync().ToListAsync();
            return null;
        }
        catch (RpcException exception)
        {
            return exception;
        }
    }
}
