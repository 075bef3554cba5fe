using OrleansInference.Tensors;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class InferManyTests
{
    private const int Limit = 60_000;

    [Fact]
    public async Task Each_request_has_its_own_result_and_one_that_fails_does_not_end_the_others()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.OnInfer = (instance, request, _) => Value(request) switch
        {
            3 => throw new InferenceException(InferenceError.ModelFailed, "not three"),
            5 => throw new NotSupportedException("nor five"),
            _ => Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs }),
        };

        var results = await harness.Client.InferManyAsync(Requests(7)).ToListAsync();

        Assert.Equal([0, 1, 2, 3, 4, 5, 6], results.Select(result => result.Index));
        Assert.Equal([0f, 1, 2, null, 4, null, 6], results.Select(result => result.Response?["x"].AsSpan<float>()[0]));
        Assert.Equal(
            [(3, InferenceError.ModelFailed, "not three"), (5, InferenceError.ModelFailed, "nor five")],
            results.Where(result => result.Error is not null).Select(result => (result.Index, result.Error!.Error, result.Error.Message)));
    }

    [Fact]
    public async Task Requests_may_be_for_several_models()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0"), Model("o", devices: "n.cpu:0")]);
        InferenceRequest[] requests =
        [
            ClientHarness.Request, ClientHarness.Request with { Model = "o" }, ClientHarness.Request with { Model = "none" },
        ];

        var results = await harness.Client.InferManyAsync(requests.ToAsyncEnumerable()).ToListAsync();

        Assert.Equal(["m", "o", null], results.Select(result => result.Response?.Model.Name));
        Assert.Equal(InferenceError.NotFound, results[2].Error!.Error);
    }

    [Fact(Timeout = Limit)]
    public async Task Results_come_as_they_are_completed_where_that_is_asked_for_and_say_whose_they_are()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            if (Value(request) == 0) await first.Task;
            return new() { Model = instance.Model, Outputs = request.Inputs };
        };

        var seen = new List<long>();
        await foreach (var result in harness.Client.InferManyAsync(Requests(100), new(KeepOrder: false)))
        {
            seen.Add(result.Index);
            if (seen.Count == 99) first.SetResult();
        }

        Assert.Equal(0, seen[^1]);
        Assert.Equal(Enumerable.Range(0, 100).Select(index => (long)index), seen.Order());
    }

    [Fact]
    public async Task A_stream_of_many_takes_no_more_of_the_client_than_it_may_have_in_flight()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")], ("MaxInFlight", "4"));

        var results = await harness.Client.InferManyAsync(Requests(200), new(MaxInFlight: 4)).ToListAsync();

        Assert.All(results, result => Assert.Null(result.Error));
    }

    [Fact(Timeout = Limit)]
    public async Task Who_leaves_cancels_the_requests_under_way()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = false;
        harness.Grains.OnInfer = async (instance, request, token) =>
        {
            if (Value(request) == 0) return new() { Model = instance.Model, Outputs = request.Inputs };
            asked.SetResult();
            await new TaskCompletionSource().Task.WaitAsync(token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancelled = token.IsCancellationRequested;
            throw new OperationCanceledException(token);
        };

        await foreach (var result in harness.Client.InferManyAsync(Requests(2)))
        {
            await asked.Task;
            break;
        }

        Assert.True(cancelled);
    }

    private static float Value(InferenceRequest request) => request.Inputs[0].AsSpan<float>()[0];

    private static async IAsyncEnumerable<InferenceRequest> Requests(int count)
    {
        for (var number = 0; number < count; number++)
        {
            await Task.Yield();
            yield return ClientHarness.Request with { Inputs = [InferenceTensor.Create("x", new[] { (float)number })] };
        }
    }
}
