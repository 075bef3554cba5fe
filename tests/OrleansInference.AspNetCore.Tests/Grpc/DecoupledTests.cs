using Grpc.Core;

using Inference;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>Models that answer more than once.</summary>
public sealed class DecoupledTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task A_stream_has_all_answers_and_marks_the_final_one()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);
        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(From(3, "a"));
        await stream.RequestStream.CompleteAsync();

        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal([2, 1, 0], answers.Select(NumberOf));
        Assert.All(answers, answer => Assert.Equal("a", answer.InferResponse.Id));
        Assert.Equal([false, false, true], answers.Select(answer => answer.InferResponse.Parameters["triton_final_response"].BoolParam));
    }

    [Fact(Timeout = Limit)]
    public async Task Several_requests_of_one_stream_are_answered_at_the_same_time_each_in_its_order()
    {
        await using var door = await GrpcDoor.StartAsync();
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Client.Stream = (request, _) => request.Id == "a" ? SlowAsync() : Countdown.RunAsync(request);
        async IAsyncEnumerable<InferenceResponse> SlowAsync()
        {
            yield return Countdown.Respond(1);
            await second.Task;
            yield return Countdown.Respond(0);
        }

        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(From(2, "a"));
        await stream.RequestStream.WriteAsync(From(3, "b"));
        await stream.RequestStream.CompleteAsync();

        var answers = new List<ModelStreamInferResponse>();
        await foreach (var answer in stream.ResponseStream.ReadAllAsync())
        {
            answers.Add(answer);
            // All but the final answer of the second request are there before the first one has ended.
            if (answers.Count == 3) second.SetResult();
        }

        Assert.Equal([1, 0], answers.Where(answer => answer.InferResponse.Id == "a").Select(NumberOf));
        Assert.Equal([2, 1, 0], answers.Where(answer => answer.InferResponse.Id == "b").Select(NumberOf));
    }

    [Fact(Timeout = Limit)]
    public async Task A_failure_after_some_answers_is_told_and_the_stream_goes_on()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Stream = (_, _) => Countdown.FailAsync(2, new InferenceException(InferenceError.ModelFailed, "not any more"));
        using var stream = door.Api.ModelStreamInfer();
        await stream.RequestStream.WriteAsync(From(3, "a"));
        await stream.RequestStream.WriteAsync(Requests.Number(4));
        await stream.RequestStream.CompleteAsync();

        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal("[request id: a] not any more", answers.Single(answer => answer.ErrorMessage.Length > 0).ErrorMessage);
        Assert.Equal(4, answers.Count);
        Assert.Empty(answers[^1].ErrorMessage);
    }

    [Fact]
    public async Task A_call_with_one_answer_is_refused()
    {
        await using var door = await GrpcDoor.StartAsync();

        await GrpcDoor.AssertStatusAsync(
            StatusCode.Unimplemented, async () => await door.Api.ModelInferAsync(From(3)), "decoupled transaction policy", "ModelStreamInfer");
    }

    private static ModelInferRequest From(int number, string id = "") => new()
    {
        ModelName = "countdown",
        Id = id,
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "FROM",
                Datatype = "INT32",
                Shape = { 1, 1 },
                Contents = new() { IntContents = { number } },
            },
        },
    };

    private static int NumberOf(ModelStreamInferResponse answer) =>
        BitConverter.ToInt32(answer.InferResponse.RawOutputContents[0].Span);
}
