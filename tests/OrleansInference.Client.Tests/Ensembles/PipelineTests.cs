using OrleansInference.Ensembles;

using static OrleansInference.Client.Tests.PublishedModels;

namespace OrleansInference.Client.Tests.Ensembles;

public sealed class PipelineTests
{
    /// <summary>x -> top -> (left, right) -> bottom -> y.</summary>
    private static readonly EnsemblePlan Diamond = new()
    {
        Outputs = ["y"],
        Steps =
        [
            Step("top", "x", "a"),
            Step("left", "a", "b"),
            Step("right", "a", "c"),
            Step("bottom", "b", "y") with { InputMap = new Dictionary<string, string> { ["x"] = "b", ["z"] = "c" } },
        ],
    };

    [Fact]
    public async Task A_diamond_runs_its_branches_at_the_same_time()
    {
        await using var harness = await StartAsync(Diamond);
        var asked = 0;
        var both = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            // Neither branch answers before both have been asked.
            if (instance.Model.Name is "left" or "right")
            {
                if (Interlocked.Increment(ref asked) == 2) both.SetResult();
                await both.Task;
            }

            return Answer(instance, Run(instance.Model.Name, request));
        };

        var response = await harness.Client.InferAsync(Ask("p", 1, 2));

        // (x + 1) * 10 and (x + 1) * 100, added up.
        Assert.Equal([220f, 330f], response["y"].ToArray<float>());
        Assert.Empty(response.Members);
    }

    [Fact]
    public async Task A_step_that_fails_is_named_and_ends_its_neighbours()
    {
        await using var harness = await StartAsync(Diamond);
        var (waiting, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        harness.Grains.OnInfer = async (instance, request, token) =>
        {
            if (instance.Model.Name == "left")
            {
                await waiting.Task;
                throw new InferenceException(InferenceError.ModelFailed, "no");
            }

            if (instance.Model.Name != "right") return Answer(instance, Run(instance.Model.Name, request));
            waiting.SetResult();
            return await harness.HangAsync(token, ended.SetResult);
        };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("p", 1)));

        Assert.Equal((InferenceError.ModelFailed, "'left' of ensemble 'p': no"), (failure.Error, failure.Message));
        await ended.Task;
        Assert.DoesNotContain(harness.Grains.Asked, asked => asked.StartsWith("bottom", StringComparison.Ordinal));
        var members = (await harness.Client.GetStatisticsAsync("p"))[0].Statistics.Members;
        Assert.Equal([1L, 0, 0, 0], members.Select(member => member.Answered.Count));
        Assert.Equal([0L, 1, 0, 0], members.Select(member => member.Failed.Count));
        Assert.Equal([0L, 0, 1, 0], members.Select(member => member.Cancelled.Count));
    }

    [Fact]
    public async Task The_deadline_goes_through_every_step()
    {
        await using var harness = await StartAsync(Diamond);
        var deadline = harness.Time.GetUtcNow().AddSeconds(3);
        var reached = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, request, token) =>
        {
            Assert.Equal(deadline, request.Deadline);
            if (instance.Model.Name != "bottom") return Answer(instance, Run(instance.Model.Name, request));
            reached.SetResult();
            return await harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("p", 1) with { Deadline = deadline });
        await reached.Task;
        harness.Time.Advance(TimeSpan.FromSeconds(3));
        var failure = await Assert.ThrowsAsync<InferenceException>(() => call);

        Assert.Equal(InferenceError.DeadlineExceeded, failure.Error);
        Assert.Contains("'bottom'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_takes_no_more_requests_at_once_than_it_may_have_under_way()
    {
        await using var harness = await StartAsync(Diamond with { MaxInFlightRequests = 2 });
        var (underWay, most, answered) = (0, 0, 0);
        var gate = new Lock();
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            if (instance.Model.Name != "left") return Answer(instance, Run(instance.Model.Name, request));
            lock (gate) most = Math.Max(most, ++underWay);
            await Task.Yield();
            lock (gate) underWay--;
            Interlocked.Increment(ref answered);
            return Answer(instance, Run(instance.Model.Name, request));
        };

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => harness.Client.InferAsync(Ask("p", 1)))));

        Assert.Equal(50, answered);
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task Only_the_outputs_that_the_request_asks_for_come_back_and_others_are_refused()
    {
        await using var harness = await StartAsync(Diamond);
        harness.Grains.OnInfer = (instance, request, _) => Task.FromResult(Answer(instance, Run(instance.Model.Name, request)));

        Assert.Equal("y", Assert.Single((await harness.Client.InferAsync(Ask("p", 1) with { Outputs = ["y"] })).Outputs).Name);
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("p", 1) with { Outputs = ["b"] }));

        Assert.Equal("unexpected inference output 'b' for model 'p'", refusal.Message);
    }

    [Fact]
    public async Task A_pipeline_may_be_a_member_of_an_ensemble_and_an_ensemble_a_step_of_a_pipeline()
    {
        var inner = new EnsemblePlan { Outputs = ["y"], Steps = [Step("top", "x", "y")] };
        var ensemble = Members(new() { Method = AggregationMethod.Sum, Required = 2 }, "inner", "left");
        var outer = new EnsemblePlan { Outputs = ["y"], Steps = [Step("ensemble", "x", "a"), Step("right", "a", "y")] };
        await using var harness = await ClientHarness.StartAsync(
            [Network("top"), Network("left"), Network("right"), Ensemble("inner", inner), Ensemble("ensemble", ensemble), Ensemble("outer", outer)]);
        harness.Grains.OnInfer = (instance, request, _) => Task.FromResult(Answer(instance, Run(instance.Model.Name, request)));

        var response = await harness.Client.InferAsync(Ask("outer", 1));

        // ((1 + 1) + 1 * 10) * 100
        Assert.Equal([1200f], response["y"].ToArray<float>());
    }

    [Fact]
    public async Task A_pipeline_says_what_became_of_the_members_of_an_ensemble_in_it()
    {
        var ensemble = Members(new() { Method = AggregationMethod.Sum, Required = 1, Deadline = TimeSpan.FromSeconds(1) }, "left", "right");
        var outer = new EnsemblePlan { Outputs = ["y"], Steps = [Step("top", "x", "a"), Step("ensemble", "a", "y")] };
        await using var harness = await ClientHarness.StartAsync(
            [Network("top"), Network("left"), Network("right"), Ensemble("ensemble", ensemble), Ensemble("outer", outer)]);
        harness.Grains.OnInfer = (instance, request, _) => instance.Model.Name == "right"
            ? throw new InferenceException(InferenceError.ModelFailed, "no")
            : Task.FromResult(Answer(instance, Run(instance.Model.Name, request)));

        var response = await harness.Client.InferAsync(Ask("outer", 1));

        Assert.Equal(
            [("ensemble/left", MemberOutcome.Answered), ("ensemble/right", MemberOutcome.Failed)],
            response.Members.Select(report => (report.Member, report.Outcome)));
    }

    private static Task<ClientHarness> StartAsync(EnsemblePlan plan) =>
        ClientHarness.StartAsync([.. plan.Steps.Select(step => Network(step.Model)), Ensemble("p", plan)]);

    private static float[] Run(string model, InferenceRequest request)
    {
        var x = request.Inputs.Single(input => input.Name == "x").ToArray<float>();
        return model switch
        {
            "top" => [.. x.Select(value => value + 1)],
            "left" => [.. x.Select(value => value * 10)],
            "right" => [.. x.Select(value => value * 100)],
            _ => [.. x.Zip(request.Inputs.Single(input => input.Name == "z").ToArray<float>(), (one, other) => one + other)],
        };
    }
}
