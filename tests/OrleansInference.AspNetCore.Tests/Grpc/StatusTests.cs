using Grpc.Core;

using OrleansInference.AspNetCore.Grpc;
using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class StatusTests
{
    [Theory]
    [InlineData(InferenceError.InvalidArgument, StatusCode.InvalidArgument)]
    [InlineData(InferenceError.NotFound, StatusCode.NotFound)]
    [InlineData(InferenceError.NotReady, StatusCode.Unavailable)]
    [InlineData(InferenceError.QueueFull, StatusCode.ResourceExhausted)]
    [InlineData(InferenceError.DeadlineExceeded, StatusCode.DeadlineExceeded)]
    [InlineData(InferenceError.TooLarge, StatusCode.ResourceExhausted)]
    [InlineData(InferenceError.ModelFailed, StatusCode.Internal)]
    [InlineData(InferenceError.Unavailable, StatusCode.Unavailable)]
    public async Task Each_failure_has_its_status_and_keeps_its_message(InferenceError error, StatusCode status)
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Fails(new InferenceException(error, "model 'identity' has 7 of 5 \"things\", größer"));

        var exception = await GrpcDoor.AssertStatusAsync(status, async () => await door.Api.ModelInferAsync(Requests.Number(1)));

        Assert.Equal("model 'identity' has 7 of 5 \"things\", größer", exception.Status.Detail);
    }

    [Fact]
    public void Every_failure_there_is_has_a_status_of_its_own_choice()
    {
        var covered = typeof(StatusTests).GetMethod(nameof(Each_failure_has_its_status_and_keeps_its_message))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Length;

        Assert.Equal(Enum.GetValues<InferenceError>().Length, covered);
    }

    [Fact]
    public async Task Only_a_full_queue_says_when_to_come_back()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.QueueFull, "Exceeds maximum queue size 16"));
        var full = await GrpcDoor.AssertStatusAsync(StatusCode.ResourceExhausted, async () => await door.Api.ModelInferAsync(Requests.Number(1)));
        Assert.Equal("1000", full.Trailers.GetValue(ErrorInterceptor.RetryTrailer));

        door.Client.Fails(new InferenceException(InferenceError.NotReady, "gone"));
        var gone = await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, async () => await door.Api.ModelInferAsync(Requests.Number(1)));
        Assert.Null(gone.Trailers.GetValue(ErrorInterceptor.RetryTrailer));
    }

    [Fact]
    public async Task A_failure_names_the_request_that_has_a_name()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.ModelFailed, "it broke"));

        await GrpcDoor.AssertStatusAsync(
            StatusCode.Internal, async () => await door.Api.ModelInferAsync(Requests.Number(1, "x-7")), "[request id: x-7] it broke");
    }

    [Fact]
    public async Task A_failure_that_nobody_foresaw_is_internal_and_keeps_its_message()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Fails(new InvalidOperationException("the cat sat on it"));
        await GrpcDoor.AssertStatusAsync(StatusCode.Internal, async () => await door.Api.ModelInferAsync(Requests.Number(1)), "the cat sat on it");

        door.Client.Fails(new OperationCanceledException("the silo stopped"));
        await GrpcDoor.AssertStatusAsync(StatusCode.Internal, async () => await door.Api.ModelInferAsync(Requests.Number(1)), "the silo stopped");
    }

    [Fact]
    public async Task An_unknown_model_or_version_is_not_found_and_named()
    {
        await using var door = await GrpcDoor.StartAsync();
        var calls = new Func<string, string, Task>[]
        {
            async (name, version) => await door.Api.ModelInferAsync(new() { ModelName = name, ModelVersion = version }),
            async (name, version) => await door.Api.ModelReadyAsync(new() { Name = name, Version = version }),
            async (name, version) => await door.Api.ModelMetadataAsync(new() { Name = name, Version = version }),
            async (name, version) => await door.Api.ModelConfigAsync(new() { Name = name, Version = version }),
        };

        foreach (var call in calls)
        {
            await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, () => call("nothing", ""), "'nothing'");
            await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, () => call("../../etc/passwd", ""), "'../../etc/passwd'");
            await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, () => call("identity", "9"), "'identity'", "9");
            await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, () => call("identity", "1.5"), "'1.5'");
        }

        await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, async () => await door.Api.ModelStatisticsAsync(new() { Name = "nothing" }), "'nothing'");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("loading", "it is being warmed up")]
    [InlineData("broken", "config.json: 'inputs' is missing")]
    public async Task A_model_that_is_not_ready_is_unavailable_with_the_reason(string model, string reason)
    {
        await using var door = await GrpcDoor.StartAsync();

        await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, async () => await door.Api.ModelInferAsync(new() { ModelName = model }), model, reason);
        await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, async () => await door.Api.ModelMetadataAsync(new() { Name = model }), model, reason);
        await GrpcDoor.AssertStatusAsync(StatusCode.Unavailable, async () => await door.Api.ModelConfigAsync(new() { Name = model }), model, reason);
        Assert.False((await door.Api.ModelReadyAsync(new() { Name = model })).Ready);
    }

    [Fact]
    public async Task After_a_failure_the_next_request_is_answered()
    {
        await using var door = await GrpcDoor.StartAsync();
        var echo = door.Client.Answer;
        door.Client.Fails(new InferenceException(InferenceError.ModelFailed, "it broke"));
        await GrpcDoor.AssertStatusAsync(StatusCode.Internal, async () => await door.Api.ModelInferAsync(Requests.Number(1)));
        door.Client.Answer = echo;

        Assert.Equal(Bodies.BytesOf(2f), (await door.Api.ModelInferAsync(Requests.Number(2))).RawOutputContents[0].ToByteArray());
    }

    [Fact]
    public async Task What_the_server_does_not_implement_says_so()
    {
        await using var door = await GrpcDoor.StartAsync();
        var sharedMemory = new Func<Task>[]
        {
            async () => await door.Api.SystemSharedMemoryStatusAsync(new()),
            async () => await door.Api.SystemSharedMemoryRegisterAsync(new()),
            async () => await door.Api.SystemSharedMemoryUnregisterAsync(new()),
            async () => await door.Api.CudaSharedMemoryStatusAsync(new()),
            async () => await door.Api.CudaSharedMemoryRegisterAsync(new()),
            async () => await door.Api.CudaSharedMemoryUnregisterAsync(new()),
        };

        foreach (var call in sharedMemory) await GrpcDoor.AssertStatusAsync(StatusCode.Unimplemented, call, "shared memory is not supported");
    }
}
