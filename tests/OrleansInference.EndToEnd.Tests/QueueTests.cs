using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

public sealed class QueueTests(SharedService service)
{
    [Fact]
    public async Task A_caller_that_hangs_up_leaves_the_queue_and_is_never_run()
    {
        // What other tests have left on the device ends before this is answered.
        await service.Api.InferNumberAsync("slow", 0);
        var before = await service.Api.GetStatsAsync("slow");
        var occupants = await OccupyAsync();
        using var connection = new CancellationTokenSource();
        var waiting = service.Api.InferNumberAsync("slow", TestModels.Work, cancellationToken: connection.Token);
        await WaitForQueueAsync("slow", 2);

        await connection.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await WaitForQueueAsync("slow", 1);
        Assert.Equal(before.Failures + 1, (await service.Api.GetStatsAsync("slow")).Failures);
        foreach (var answer in await Task.WhenAll(occupants)) Assert.Equal(TestModels.Work, answer.Number);
        // One more, so that whatever has been left in the queue would have been run before it.
        await service.Api.InferNumberAsync("slow", 0);
        var after = await service.Api.GetStatsAsync("slow");
        Assert.Equal(occupants.Length + 1, after.Executions - before.Executions);
        Assert.Equal(before.Failures + 1, after.Failures);
    }

    [Fact]
    public async Task A_request_whose_timeout_passes_in_the_queue_is_504_while_the_model_is_still_busy()
    {
        var occupants = await OccupyAsync();

        // A model that has hardly run: of one whose times are known the request would be refused at once.
        var answer = await service.Api.InferNumberAsync("narrow", 1, timeout: 20_000);

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.Status);
        Assert.Contains(occupants, occupant => !occupant.IsCompleted);
        await Task.WhenAll(occupants);
    }

    [Fact]
    public async Task A_request_that_cannot_be_answered_within_its_timeout_is_429_and_never_run()
    {
        for (var pass = 0; pass < 8; pass++) await service.Api.InferNumberAsync("slow", TestModels.Work / 4);
        var before = await service.Api.GetStatsAsync("slow");

        var refused = await service.Api.InferNumberAsync("slow", TestModels.Work / 4, timeout: 50_000);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Contains("Cannot be served in time: model 'slow'", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before.Executions, (await service.Api.GetStatsAsync("slow")).Executions);
    }

    [Fact]
    public async Task A_full_queue_is_429_with_the_time_to_come_back()
    {
        var occupants = await OccupyAsync();
        var waiting = service.Api.InferNumberAsync("narrow", 1);
        await WaitForQueueAsync("narrow", 1);

        var refused = await service.Api.InferNumberAsync("narrow", 2);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Contains("1 of 1", refused.Error, StringComparison.Ordinal);
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        Assert.Equal(1, (await waiting).Number);
        foreach (var answer in await Task.WhenAll(occupants)) Assert.Equal(TestModels.Work, answer.Number);
    }

    [Fact]
    public async Task An_input_on_which_the_model_raises_is_500_and_its_batch_mates_are_answered()
    {
        float[] inputs = [1, 2, -3, 4, 5];
        var occupants = await OccupyAsync();
        var requests = inputs.Select(value => service.Api.InferNumberAsync("picky", value)).ToList();
        await WaitForQueueAsync("picky", inputs.Length);

        var answers = await Task.WhenAll(requests);

        for (var i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] >= 0)
            {
                Assert.Equal(inputs[i], answers[i].Number);
                continue;
            }

            Assert.Equal(HttpStatusCode.InternalServerError, answers[i].Status);
            Assert.Contains(TestModels.RefusalOfPicky, answers[i].Error, StringComparison.Ordinal);
        }

        await Task.WhenAll(occupants);
        // That they were a batch at first is nowhere else to be seen.
        await Poll.UntilAsync(
            () => Task.FromResult(service.Program.Output.Contains($"A batch of {inputs.Length} requests for picky@1", StringComparison.Ordinal)),
            "the service logs that the batch failed");
    }

    /// <summary>Keeps the one device busy: of two long requests one is running, and until it ends, what is sent later can only wait.</summary>
    private async Task<Task<Answer>[]> OccupyAsync()
    {
        Task<Answer>[] occupants = [Send(), Send()];
        await WaitForQueueAsync("slow", 1);
        return occupants;

        Task<Answer> Send() => service.Api.InferNumberAsync("slow", TestModels.Work);
    }

    private Task WaitForQueueAsync(string model, int depth) =>
        Poll.UntilAsync(async () => (await service.Api.GetStatsAsync(model)).QueueDepth == depth, $"{depth} requests wait for {model}");
}
