using System.Collections.Concurrent;

using OrleansInference.Tensors;

using static OrleansInference.Client.Tests.PublishedModels;

namespace OrleansInference.Client.Tests;

public sealed class SplitBatchTests
{
    private static readonly float[] Thousand = [.. Enumerable.Range(0, 1000).Select(row => (float)row)];

    [Fact]
    public async Task A_batch_that_is_too_large_for_the_model_comes_back_in_order_from_all_devices()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"])]);
        var parts = new ConcurrentBag<(string Device, long Rows)>();
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            parts.Add((instance.Device, request.Inputs[0].Shape[0]));
            await Task.Yield();
            return Answer(instance, [.. request.Inputs[0].ToArray<float>().Select(row => row + 1)]);
        };

        var response = await harness.Client.InferAsync(Ask("m", Thousand));

        Assert.Equal([1000, 1], response["y"].Shape.ToArray());
        Assert.Equal(Thousand.Select(row => row + 1), response["y"].ToArray<float>());
        Assert.All(parts, part => Assert.InRange(part.Rows, 1, 64));
        Assert.Equal(["a.cpu:0", "b.cpu:0"], parts.Select(part => part.Device).Distinct().Order());
    }

    [Fact]
    public async Task A_batch_during_which_the_version_is_replaced_is_answered_by_one_version_alone()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"])]);
        var parts = 0;
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            if (instance.Model.Version == 1 && Interlocked.Increment(ref parts) is > 4 and var part)
            {
                if (part == 5) harness.Grains.Publish(Network("m", maxBatchSize: 64, version: 2, devices: ["a.cpu:0", "b.cpu:0"]));
                throw new InferenceException(InferenceError.NotReady, "replaced");
            }

            return Task.FromResult(Answer(instance, [.. request.Inputs[0].ToArray<float>().Select(row => row + 1000 * instance.Model.Version)]));
        };

        var response = await harness.AdvanceAsync(harness.Client.InferAsync(Ask("m", Thousand)));

        Assert.Equal(2, response.Model.Version);
        Assert.Equal(Thousand.Select(row => row + 2000), response["y"].ToArray<float>());
    }

    [Fact]
    public async Task A_batch_that_the_model_takes_at_once_is_one_request()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"])]);

        await harness.Client.InferAsync(Ask("m", Thousand[..64]));

        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task Rows_for_a_model_that_keeps_state_stay_together()
    {
        var model = Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"]);
        await using var harness = await ClientHarness.StartAsync([model with { Descriptor = model.Descriptor! with { IsStateful = true } }]);

        await harness.Client.InferAsync(Ask("m", Thousand));

        // The engine refuses what is too large for one pass.
        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task A_device_that_is_slower_gets_less()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 100, devices: ["fast.cpu:0", "slow.cpu:0"])]);
        var rows = new ConcurrentDictionary<string, long>();
        var turns = new SemaphoreSlim(1);
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            await Task.Yield();
            // One at a time, so that time passes for one part after the other.
            await turns.WaitAsync(CancellationToken.None);
            var count = request.Inputs[0].Shape[0];
            rows.AddOrUpdate(instance.Device, count, (_, before) => before + count);
            harness.Time.Advance(TimeSpan.FromMilliseconds((instance.Device.StartsWith("fast", StringComparison.Ordinal) ? 1 : 9) * count));
            turns.Release();
            return Answer(instance, new float[count]);
        };
        var request = Ask("m", Thousand[..150]);
        for (var call = 0; call < 20; call++) await harness.Client.InferAsync(request with { Deadline = harness.Time.GetUtcNow().AddMinutes(30) });

        Assert.True(rows["fast.cpu:0"] > rows["slow.cpu:0"] * 1.2, string.Join(", ", rows));
    }

    [Theory]
    [InlineData(200, false)]
    [InlineData(201, true)]
    public async Task More_rows_than_the_limit_are_refused(int rows, bool isRefused)
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64)], ("MaxRowsPerRequest", "200"));
        harness.Grains.OnInfer = (instance, request, _) => Task.FromResult(Answer(instance, request.Inputs[0].ToArray<float>()));

        var call = harness.Client.InferAsync(Ask("m", Thousand[..rows]));

        if (!isRefused)
        {
            await call;
            return;
        }

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => call);
        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Contains("batch-size must be <= 200 for 'm', but input 'x' has 201", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(harness.Grains.Asked);
    }

    [Fact]
    public async Task What_is_wrong_is_said_of_the_whole_request()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64)]);
        var request = new InferenceRequest { Model = "m", Inputs = [InferenceTensor.Create("x", new float[200], 100, 2)] };

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(request));

        Assert.Contains("Expected [-1,1], got [100,2]", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(harness.Grains.Asked);
    }

    [Fact]
    public async Task One_part_that_fails_ends_all_others()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 10, devices: ["a.cpu:0", "b.cpu:0"])]);
        var waiting = new TaskCompletionSource();
        var ended = 0;
        harness.Grains.OnInfer = async (instance, request, token) =>
        {
            if (request.Inputs[0].ToArray<float>()[0] == 0)
            {
                await waiting.Task;
                throw new InferenceException(InferenceError.ModelFailed, "no");
            }

            waiting.TrySetResult();
            return await harness.HangAsync(token, () => Interlocked.Increment(ref ended));
        };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("m", Thousand)));

        Assert.Equal((InferenceError.ModelFailed, "no"), (failure.Error, failure.Message));
        Assert.InRange(ended, 1, 3);
    }

    [Fact]
    public async Task The_deadline_covers_all_parts()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"])]);
        var asked = new TaskCompletionSource();
        harness.Grains.OnInfer = (_, _, token) =>
        {
            asked.TrySetResult();
            return harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("m", Thousand) with { Deadline = harness.Time.GetUtcNow().AddSeconds(1) });
        await asked.Task;
        harness.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => call)).Error);
    }

    [Fact]
    public async Task A_caller_that_leaves_cancels_all_parts()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64)]);
        using var leaving = new CancellationTokenSource();
        var (asked, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        harness.Grains.OnInfer = (_, _, token) =>
        {
            asked.TrySetResult();
            return harness.HangAsync(token, () => left.TrySetResult());
        };

        var call = harness.Client.InferAsync(Ask("m", Thousand), leaving.Token);
        await asked.Task;
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await left.Task;
    }

    [Fact]
    public async Task A_part_whose_device_is_lost_is_answered_by_another()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64, devices: ["a.cpu:0", "b.cpu:0"])]);
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            await Task.Yield();
            if (instance.Device == "a.cpu:0") throw new SiloUnavailableException("gone");
            return Answer(instance, request.Inputs[0].ToArray<float>());
        };

        var response = await harness.Client.InferAsync(Ask("m", Thousand));

        Assert.Equal(Thousand, response["y"].ToArray<float>());
        // Once for each part that it had at the same time.
        Assert.InRange(harness.Grains.Asked.Count(asked => asked.EndsWith("a.cpu:0", StringComparison.Ordinal)), 1, 2);
    }

    [Fact]
    public async Task Parts_that_do_not_fit_together_are_the_models_failure()
    {
        await using var harness = await ClientHarness.StartAsync([Network("m", maxBatchSize: 64)]);
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            var rows = (int)request.Inputs[0].Shape[0];
            var width = request.Inputs[0].ToArray<float>()[0] == 0 ? 1 : 2;
            return Task.FromResult(new InferenceResponse
            {
                Model = instance.Model,
                Outputs = [InferenceTensor.Create("y", new float[rows * width], rows, width)],
            });
        };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("m", Thousand)));

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
        Assert.Contains("do not fit together", failure.Message, StringComparison.Ordinal);
    }
}
