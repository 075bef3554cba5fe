using OrleansInference.Ensembles;

using static OrleansInference.Client.Tests.PublishedModels;

namespace OrleansInference.Client.Tests.Ensembles;

public sealed class MemberTests
{
    private static readonly Aggregation All = new() { Method = AggregationMethod.Mean, Required = 3 };

    private static readonly Aggregation Quorum = All with { Required = 2, Deadline = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task Members_are_asked_the_same_at_once_and_their_answers_become_one()
    {
        await using var harness = await StartAsync(All);
        var asked = 0;
        var all = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, request, _) =>
        {
            Assert.Equal([4f, 5f], request.Inputs[0].ToArray<float>());
            if (Interlocked.Increment(ref asked) == 3) all.SetResult();
            await all.Task;
            return Answer(instance, NumberOf(instance), 10 * NumberOf(instance));
        };

        var response = await harness.Client.InferAsync(Ask("e", 4, 5));

        Assert.Equal(new ModelId("e", 1), response.Model);
        Assert.Equal([2f, 20f], response["y"].ToArray<float>());
        Assert.Equal(["m1", "m2", "m3"], response.Members.Select(report => report.Member));
        Assert.All(response.Members, report => Assert.Equal((MemberOutcome.Answered, ""), (report.Outcome, report.Reason)));
    }

    [Fact]
    public async Task A_member_that_hangs_does_not_hold_up_a_quorum_beyond_the_deadline_and_is_named()
    {
        await using var harness = await StartAsync(Quorum);
        var (hanging, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        harness.Grains.OnInfer = async (instance, _, token) =>
        {
            if (instance.Model.Name != "m3") return Answer(instance, NumberOf(instance));
            hanging.SetResult();
            return await harness.HangAsync(token, left.SetResult);
        };

        var call = harness.Client.InferAsync(Ask("e", 1));
        await hanging.Task;
        harness.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.False(call.IsCompleted);
        harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        var response = await call;

        Assert.Equal([1.5f], response["y"].ToArray<float>());
        var late = response.Members.Single(report => report.Outcome != MemberOutcome.Answered);
        Assert.Equal(("m3", MemberOutcome.Late, TimeSpan.FromMilliseconds(100)), (late.Member, late.Outcome, late.Duration));
        // It is not waited for any more, and leaves its queue.
        await left.Task;
    }

    [Fact]
    public async Task A_member_that_fails_is_named_with_its_reason_and_the_quorum_answers()
    {
        await using var harness = await StartAsync(Quorum);
        harness.Grains.OnInfer = (instance, _, _) => instance.Model.Name == "m2"
            ? throw new InferenceException(InferenceError.ModelFailed, "out of luck")
            : Task.FromResult(Answer(instance, NumberOf(instance)));

        var response = await harness.Client.InferAsync(Ask("e", 1));

        Assert.Equal([2f], response["y"].ToArray<float>());
        Assert.Equal((MemberOutcome.Failed, "'m2' of ensemble 'e': out of luck"), (response.Members[1].Outcome, response.Members[1].Reason));
    }

    [Fact]
    public async Task One_failure_too_many_is_the_ensembles_and_ends_the_others()
    {
        await using var harness = await StartAsync(All);
        var ended = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, _, token) =>
        {
            if (instance.Model.Name == "m2") throw new InferenceException(InferenceError.InvalidArgument, "bad input");
            return await harness.HangAsync(token, () => ended.TrySetResult());
        };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("e", 1)));

        Assert.Equal(InferenceError.InvalidArgument, failure.Error);
        Assert.Contains("ensemble 'e' needs 3 of its 3 members, but 0 answered", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'m2' of ensemble 'e': bad input", failure.Message, StringComparison.Ordinal);
        await ended.Task;
    }

    [Fact]
    public async Task Too_few_at_the_deadline_is_a_missed_deadline_that_names_who_is_late()
    {
        await using var harness = await StartAsync(Quorum);
        var asked = 0;
        var all = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, _, token) =>
        {
            if (Interlocked.Increment(ref asked) == 3) all.SetResult();
            if (instance.Model.Name == "m1") return Answer(instance, 1);
            return await harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("e", 1));
        await all.Task;
        harness.Time.Advance(TimeSpan.FromMilliseconds(100));
        var failure = await Assert.ThrowsAsync<InferenceException>(() => call);

        Assert.Equal(InferenceError.DeadlineExceeded, failure.Error);
        Assert.Contains("'m2' had not answered in time (100 ms); 'm3' had not answered in time (100 ms)", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quorum_without_a_deadline_answers_before_the_requests_own_has_passed()
    {
        await using var harness = await StartAsync(Quorum with { Deadline = null });
        var hanging = new TaskCompletionSource();
        harness.Grains.OnInfer = (instance, _, token) =>
        {
            if (instance.Model.Name != "m3") return Task.FromResult(Answer(instance, NumberOf(instance)));
            hanging.SetResult();
            return harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("e", 1) with { Deadline = harness.Time.GetUtcNow().AddSeconds(10) });
        await hanging.Task;
        harness.Time.Advance(TimeSpan.FromSeconds(9));

        Assert.Equal(MemberOutcome.Late, (await call).Members[2].Outcome);
    }

    [Fact]
    public async Task A_member_that_is_missing_beside_one_that_is_late_does_not_make_the_ensemble_missing()
    {
        var plan = Members(Quorum, "m1", "m2", "gone");
        await using var harness = await ClientHarness.StartAsync([Network("m1"), Network("m2"), Ensemble("e", plan)]);
        var hanging = new TaskCompletionSource();
        harness.Grains.OnInfer = (instance, _, token) =>
        {
            if (instance.Model.Name == "m1") return Task.FromResult(Answer(instance, 1));
            hanging.SetResult();
            return harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("e", 1));
        await hanging.Task;
        harness.Time.Advance(TimeSpan.FromMilliseconds(100));
        var late = await Assert.ThrowsAsync<InferenceException>(() => call);
        var missing = await Assert.ThrowsAsync<InferenceException>(
            () => harness.Client.InferAsync(Ask("e", 1) with { Model = "none" }));

        Assert.Equal((InferenceError.ModelFailed, InferenceError.NotFound), (late.Error, missing.Error));
    }

    [Fact]
    public async Task A_member_whose_calls_are_cancelled_though_nobody_asked_for_it_is_asked_anew_until_it_is_late()
    {
        await using var harness = await StartAsync(Quorum);
        harness.Grains.OnInfer = (instance, _, _) => instance.Model.Name == "m1"
            ? throw new OperationCanceledException()
            : Task.FromResult(Answer(instance, NumberOf(instance)));

        var response = await harness.AdvanceAsync(harness.Client.InferAsync(Ask("e", 1)));

        Assert.Equal((MemberOutcome.Late, 2.5f), (response.Members[0].Outcome, response["y"].ToArray<float>()[0]));
    }

    [Fact]
    public async Task The_first_answer_wins_and_the_others_are_cancelled()
    {
        await using var harness = await StartAsync(new() { Method = AggregationMethod.First, Required = 1 });
        var cancelled = new CountdownEvent(2);
        var asked = 0;
        var all = new TaskCompletionSource();
        harness.Grains.OnInfer = async (instance, _, token) =>
        {
            if (Interlocked.Increment(ref asked) == 3) all.SetResult();
            await all.Task;
            if (instance.Model.Name == "m2") return Answer(instance, 7);
            return await harness.HangAsync(token, () => cancelled.Signal());
        };

        var response = await harness.Client.InferAsync(Ask("e", 1));

        Assert.Equal([7f], response["y"].ToArray<float>());
        Assert.Equal(
            [MemberOutcome.Cancelled, MemberOutcome.Answered, MemberOutcome.Cancelled], response.Members.Select(report => report.Outcome));
        Assert.True(cancelled.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_first_answer_may_come_after_failures()
    {
        await using var harness = await StartAsync(new() { Method = AggregationMethod.First, Required = 1 });
        harness.Grains.OnInfer = (instance, _, _) => instance.Model.Name == "m3"
            ? Task.FromResult(Answer(instance, 7))
            : throw new InferenceException(InferenceError.ModelFailed, "no");

        Assert.Equal(7f, await InferAsync(harness, "e"));
    }

    [Theory]
    [InlineData(false, 1f)]
    [InlineData(true, float.NaN)]
    public async Task A_member_that_gives_a_NaN_has_failed_unless_the_ensemble_admits_it(bool admits, float expected)
    {
        await using var harness = await StartAsync(Quorum with { AdmitsNaN = admits });
        harness.Grains.OnInfer = (instance, _, _) => Task.FromResult(Answer(instance, instance.Model.Name == "m3" ? float.NaN : 1));

        var response = await harness.Client.InferAsync(Ask("e", 1));

        Assert.Equal([expected], response["y"].ToArray<float>());
        Assert.Equal(admits ? "" : "'m3' of ensemble 'e': output 'y' has a NaN", response.Members[2].Reason);
    }

    [Fact]
    public async Task A_member_that_is_not_ready_has_failed()
    {
        var entries = Entries(Quorum);
        entries[2] = entries[2] with { State = ModelState.Unavailable, Reason = "its file is broken" };
        await using var harness = await ClientHarness.StartAsync(entries);
        harness.Grains.OnInfer = (instance, _, _) => Task.FromResult(Answer(instance, NumberOf(instance)));

        var response = await harness.Client.InferAsync(Ask("e", 1));

        Assert.Equal(MemberOutcome.Failed, response.Members[2].Outcome);
        Assert.Contains("its file is broken", response.Members[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_requests_own_deadline_ends_an_ensemble_that_has_none()
    {
        await using var harness = await StartAsync(All);
        var asked = new TaskCompletionSource();
        harness.Grains.OnInfer = async (_, _, token) =>
        {
            asked.TrySetResult();
            return await harness.HangAsync(token);
        };

        var call = harness.Client.InferAsync(Ask("e", 1) with { Deadline = harness.Time.GetUtcNow().AddSeconds(1) });
        await asked.Task;
        harness.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => call)).Error);
    }

    [Fact]
    public async Task A_caller_that_leaves_cancels_all_members()
    {
        await using var harness = await StartAsync(Quorum);
        using var leaving = new CancellationTokenSource();
        var cancelled = new CountdownEvent(3);
        var asked = 0;
        var all = new TaskCompletionSource();
        harness.Grains.OnInfer = async (_, _, token) =>
        {
            if (Interlocked.Increment(ref asked) == 3) all.SetResult();
            return await harness.HangAsync(token, () => cancelled.Signal());
        };

        var call = harness.Client.InferAsync(Ask("e", 1), leaving.Token);
        await all.Task;
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.True(cancelled.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Statistics_show_what_each_member_has_done()
    {
        await using var harness = await StartAsync(Quorum);
        harness.Grains.OnInfer = (instance, _, _) => instance.Model.Name == "m2"
            ? throw new InferenceException(InferenceError.ModelFailed, "no")
            : Task.FromResult(Answer(instance, 1));
        for (var call = 0; call < 3; call++) await harness.Client.InferAsync(Ask("e", 1));

        var statistics = (await harness.Client.GetStatisticsAsync("e"))[0].Statistics;

        Assert.Equal((3, 3, 0), (statistics.Success.Count, statistics.ExecutionCount, statistics.QueueDepth));
        Assert.Equal([3L, 0, 3], statistics.Members.Select(member => member.Answered.Count));
        Assert.Equal([0L, 3, 0], statistics.Members.Select(member => member.Failed.Count));
    }

    [Fact]
    public async Task An_ensemble_may_be_a_member_of_another()
    {
        var inner = Members(new() { Method = AggregationMethod.Sum, Required = 2 }, "m1", "m2");
        var outer = Members(new() { Method = AggregationMethod.Max, Required = 2 }, "inner", "m3");
        await using var harness = await ClientHarness.StartAsync(
            [Network("m1"), Network("m2"), Network("m3"), Ensemble("inner", inner), Ensemble("outer", outer)]);
        harness.Grains.OnInfer = (instance, _, _) => Task.FromResult(Answer(instance, NumberOf(instance) * 2));

        Assert.Equal(6f, await InferAsync(harness, "outer"));
    }

    [Fact]
    public async Task What_an_ensemble_prepares_itself_is_prepared_once_for_all_members()
    {
        var plan = Members(All, "m1", "m2", "m3");
        await using var harness = await ClientHarness.StartAsync(
            [Network("m1"), Network("m2"), Network("m3"), Ensemble("e", plan, hasProcessing: true)]);
        var prepared = 0;
        harness.Grains.OnPreprocess = (request, _) =>
        {
            prepared++;
            return Task.FromResult(request with { Inputs = Ask("e", 42).Inputs, Outputs = [] });
        };
        harness.Grains.OnInfer = (instance, request, _) => Task.FromResult(Answer(instance, request.Inputs[0].ToArray<float>()));
        InferenceRequest? asked = null;
        harness.Grains.OnPostprocess = (request, response) =>
        {
            asked = request;
            return response with { Outputs = [response["y"].Rename("done")] };
        };

        var response = await harness.Client.InferAsync(Ask("e", 1));

        Assert.Equal([42f], response["done"].ToArray<float>());
        Assert.Equal(1, prepared);
        Assert.Empty(asked!.Inputs);
    }

    [Fact]
    public async Task A_silo_that_is_lost_while_it_prepares_is_an_ensemble_that_does_not_answer()
    {
        await using var harness = await ClientHarness.StartAsync(
            [Network("m1"), Ensemble("e", Members(All with { Required = 1 }, "m1"), hasProcessing: true)]);
        harness.Grains.OnPreprocess = (_, _) => throw new SiloUnavailableException("gone");

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(Ask("e", 1)));

        Assert.Equal(InferenceError.Unavailable, failure.Error);
        Assert.Contains("'e' version 1 has no device that answers: it cannot be reached", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_that_is_too_large_for_the_ensemble_reports_of_each_member_the_worst_of_its_parts()
    {
        await using var harness = await ClientHarness.StartAsync(
            [Network("m1", 8), Network("m2", 8), Network("m3", 8), Ensemble("e", Members(Quorum, "m1", "m2", "m3"), maxBatchSize: 4)]);
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            var rows = request.Inputs[0].ToArray<float>();
            return instance.Model.Name == "m2" && rows[0] == 0
                ? throw new InferenceException(InferenceError.ModelFailed, "no")
                : Task.FromResult(Answer(instance, rows));
        };

        var response = await harness.Client.InferAsync(Ask("e", [.. Enumerable.Range(0, 50).Select(row => (float)row)]));

        Assert.Equal(Enumerable.Range(0, 50).Select(row => (float)row), response["y"].ToArray<float>());
        Assert.Equal(
            [MemberOutcome.Answered, MemberOutcome.Failed, MemberOutcome.Answered], response.Members.Select(report => report.Outcome));
        Assert.Matches(@"no \(in 1 of \d+ parts\)$", response.Members[1].Reason);
    }

    [Fact]
    public async Task Who_is_first_for_one_part_of_a_batch_has_answered()
    {
        var plan = Members(new() { Method = AggregationMethod.First, Required = 1 }, "m1", "m2");
        await using var harness = await ClientHarness.StartAsync([Network("m1", 8), Network("m2", 8), Ensemble("e", plan, maxBatchSize: 4)]);
        // The first part is m1's, all others are m2's.
        harness.Grains.OnInfer = (instance, request, token) =>
        {
            var rows = request.Inputs[0].ToArray<float>();
            return instance.Model.Name == (rows[0] == 0 ? "m1" : "m2") ? Task.FromResult(Answer(instance, rows)) : harness.HangAsync(token);
        };

        var response = await harness.Client.InferAsync(Ask("e", [.. Enumerable.Range(0, 8).Select(row => (float)row)]));

        Assert.All(response.Members, report => Assert.Equal(MemberOutcome.Answered, report.Outcome));
    }

    private static async Task<float> InferAsync(ClientHarness harness, string ensemble) =>
        (await harness.Client.InferAsync(Ask(ensemble, 1)))["y"].ToArray<float>()[0];

    private static Task<ClientHarness> StartAsync(Aggregation aggregation) => ClientHarness.StartAsync(Entries(aggregation));

    private static ModelEntry[] Entries(Aggregation aggregation) =>
        [Network("m1"), Network("m2"), Network("m3"), Ensemble("e", Members(aggregation, "m1", "m2", "m3"))];

    private static float NumberOf(ModelInstanceId instance) => instance.Model.Name[1] - '0';
}
