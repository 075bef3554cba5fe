using Microsoft.Extensions.Options;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class InferenceClientTests
{
    [Fact]
    public async Task A_request_goes_to_the_model_on_the_device_that_has_it()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0"), Model("p", hasProcessing: true, devices: "n.cpu:0")]);

        await harness.Client.InferAsync(ClientHarness.Request);
        await harness.Client.InferAsync(ClientHarness.Request with { Model = "p" });

        Assert.Equal(["m@1/n.cpu:0", "p@1/n.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task Without_a_version_the_highest_ready_one_answers()
    {
        await using var harness = await ClientHarness.StartAsync(
            [Model("m", 1, devices: "n.cpu:0"), Model("m", 2, devices: "n.cpu:0"), Model("m", 3, ModelState.Loading, devices: "n.cpu:0")]);

        Assert.Equal(2, (await harness.Client.InferAsync(ClientHarness.Request)).Model.Version);
        Assert.Equal(1, (await harness.Client.InferAsync(ClientHarness.Request with { Version = 1 })).Model.Version);
    }

    [Theory]
    [InlineData("other", null, InferenceError.NotFound, "Request for unknown model: 'other' is not found")]
    [InlineData("m", 9, InferenceError.NotFound, "Request for unknown model: 'm' version 9 is not found")]
    [InlineData("m", 1, InferenceError.NotReady, "Request for model 'm' version 1 is not at ready state: for a reason")]
    public async Task A_model_that_cannot_answer_is_refused_with_the_reason(string model, int? version, InferenceError error, string message)
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", 1, ModelState.Unavailable, devices: "n.cpu:0")]);

        var exception = await Assert.ThrowsAsync<InferenceException>(
            () => harness.Client.InferAsync(ClientHarness.Request with { Model = model, Version = version }));

        Assert.Equal((error, message), (exception.Error, exception.Message));
    }

    public static TheoryData<Exception> Losses => new()
    {
        new SiloUnavailableException("gone"),
        new TimeoutException("no answer"),
        new InferenceException(InferenceError.Unavailable, "shutting down"),
        new InferenceException(InferenceError.NotReady, "just restarted"),
    };

    [Theory]
    [MemberData(nameof(Losses), DisableDiscoveryEnumeration = true)]
    public async Task A_request_whose_device_is_lost_is_answered_by_another(Exception loss)
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])]);
        string? lost = null;
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            lost ??= instance.Device;
            return instance.Device == lost
                ? throw loss
                : Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
        };

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(2, harness.Grains.Asked.Count);
        Assert.NotEqual(harness.Grains.Asked[0], harness.Grains.Asked[1]);
    }

    [Theory]
    [InlineData(InferenceError.ModelFailed)]
    [InlineData(InferenceError.InvalidArgument)]
    public async Task What_would_fail_anywhere_is_not_tried_again(InferenceError error)
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])]);
        harness.Grains.OnInfer = (_, _, _) => throw new InferenceException(error, "no");

        Assert.Equal(error, (await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request))).Error);
        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task A_request_without_a_deadline_ends_at_the_default_one()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")], ("DefaultTimeout", "00:00:02"));
        var deadline = new TaskCompletionSource<DateTimeOffset?>();
        harness.Grains.OnInfer = async (_, request, token) =>
        {
            deadline.SetResult(request.Deadline);
            await Task.Delay(Timeout.InfiniteTimeSpan, harness.Time, token);
            throw new InvalidOperationException();
        };

        var call = harness.Client.InferAsync(ClientHarness.Request);
        Assert.Equal(harness.Time.GetUtcNow().AddSeconds(2), await deadline.Task);
        harness.Time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(call.IsCompleted);
        harness.Time.Advance(TimeSpan.FromSeconds(0.1));

        var exception = await Assert.ThrowsAsync<InferenceException>(() => call);
        Assert.Equal(InferenceError.DeadlineExceeded, exception.Error);
        Assert.Contains("2000 ms", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deadline_that_has_passed_asks_nobody_and_one_beyond_the_limit_is_refused()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        var now = harness.Time.GetUtcNow();

        var late = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request with { Deadline = now }));
        var far = await Assert.ThrowsAsync<InferenceException>(
            () => harness.Client.InferAsync(ClientHarness.Request with { Deadline = now.AddHours(2) }));

        Assert.Equal(InferenceError.DeadlineExceeded, late.Error);
        Assert.Equal(InferenceError.InvalidArgument, far.Error);
        Assert.Contains("7200 s is longer than the limit of 3600 s", far.Message, StringComparison.Ordinal);
        Assert.Empty(harness.Grains.Asked);
    }

    [Fact]
    public async Task A_caller_that_cancels_gets_a_cancellation_and_no_deadline()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        var asked = new TaskCompletionSource();
        harness.Grains.OnInfer = async (_, _, token) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, harness.Time, token);
            throw new InvalidOperationException();
        };
        using var caller = new CancellationTokenSource();

        var call = harness.Client.InferAsync(ClientHarness.Request, caller.Token);
        await asked.Task;
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task One_request_more_than_may_be_in_flight_is_refused_with_the_limit()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")], ("MaxInFlight", "2"));
        var answer = new TaskCompletionSource<InferenceResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Grains.OnInfer = (_, _, _) => answer.Task;
        var calls = new[] { harness.Client.InferAsync(ClientHarness.Request), harness.Client.InferAsync(ClientHarness.Request) };

        var refused = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(InferenceError.QueueFull, refused.Error);
        Assert.Contains("2 requests", refused.Message, StringComparison.Ordinal);
        answer.SetResult(new() { Model = new("m", 1), Outputs = [] });
        await Task.WhenAll(calls);
        await harness.Client.InferAsync(ClientHarness.Request);
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_is_unavailable_after_a_while()
    {
        await using var harness = await ClientHarness.StartAsync([]);

        var call = harness.Client.GetModelAsync("m").AsTask();
        Assert.False(harness.Client.IsReady);
        harness.Time.Advance(TimeSpan.FromSeconds(5));

        var exception = await Assert.ThrowsAsync<InferenceException>(() => call);
        Assert.Equal(InferenceError.Unavailable, exception.Error);
    }

    [Fact]
    public async Task The_client_is_ready_once_nothing_is_being_loaded()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", state: ModelState.Loading, devices: "n.cpu:0")]);
        Assert.False(harness.Client.IsReady);

        harness.Grains.Publish(Model("m", devices: "n.cpu:0"), Model("broken", state: ModelState.Unavailable));
        while ((await harness.Client.GetModelsAsync()).Count < 2) await Task.Yield();

        Assert.True(harness.Client.IsReady);
    }

    [Fact]
    public async Task Statistics_are_summed_over_the_devices_of_each_version()
    {
        await using var harness = await ClientHarness.StartAsync(
            [
                Model("m", 1, devices: ["a.cpu:0", "b.cpu:0"]),
                Model("m", 2, devices: "a.cpu:0"),
                Model("other", devices: "a.cpu:0"),
                Model("broken", state: ModelState.Unavailable),
            ]);

        var all = await harness.Client.GetStatisticsAsync("m");

        Assert.Equal([(1, 2L), (2, 1L)], all.Select(pair => (pair.Model.Version, pair.Statistics.InferenceCount)));
        Assert.Equal(2, Assert.Single(await harness.Client.GetStatisticsAsync("m", 1)).Statistics.InferenceCount);
        Assert.Equal(["m@1", "m@2", "other@1"], (await harness.Client.GetStatisticsAsync()).Select(pair => pair.Model.ToString()));
    }

    [Fact]
    public async Task The_client_is_no_longer_ready_when_the_cluster_is_gone_and_is_again_when_it_is_back()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        Assert.True(harness.Client.IsReady);

        harness.Grains.IsGone = true;
        harness.Grains.Publish(Model("m", devices: "n.cpu:0"));
        while (harness.Client.IsReady)
        {
            harness.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        harness.Grains.IsGone = false;
        while (!harness.Client.IsReady)
        {
            harness.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Statistics_of_a_lost_device_are_unavailable()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.IsGone = true;

        var exception = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.GetStatisticsAsync("m"));

        Assert.Equal(InferenceError.Unavailable, exception.Error);
    }

    [Theory]
    [InlineData("MaxInFlight", "0")]
    [InlineData("DefaultTimeout", "02:00:00")]
    public async Task A_bad_option_stops_the_host_and_is_named(string key, string value)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => ClientHarness.StartAsync([], (key, value)));

        Assert.Contains(key, exception.Message, StringComparison.Ordinal);
    }
}
