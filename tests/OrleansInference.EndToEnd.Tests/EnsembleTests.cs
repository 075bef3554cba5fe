using System.Net;
using System.Text.Json;

using Inference;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>Ensembles over two silos, asked through a front end apart from them.</summary>
public sealed class EnsembleTests(ClusterService cluster) : IClassFixture<ClusterService>
{
    private InferenceApi Api => cluster.FrontEnd.Api;

    [Fact]
    public async Task An_ensemble_answers_with_the_aggregate_of_what_its_members_answer()
    {
        float[] rows = [1, 2, -3];

        var answer = await Api.InferNumbersAsync("mean_of_three", rows);

        Assert.Equal(rows.Select(x => (2 * x + (x + 1) + 3 * x) / 3), answer.Numbers<float>("OUTPUT0"), Near);
        foreach (var member in new[] { "twice", "plus_one", "triple" })
        {
            Assert.Equal("answered", answer.Parameter($"member.{member}").GetString());
            Assert.True(answer.Parameter($"member.{member}.milliseconds").GetDouble() > 0);
        }
    }

    [Fact]
    public async Task A_client_of_gRPC_need_not_know_that_it_asks_an_ensemble()
    {
        var request = new ModelInferRequest { ModelName = "mean_of_three" };
        var input = new ModelInferRequest.Types.InferInputTensor { Name = "INPUT0", Datatype = "FP32", Shape = { 1, 1 }, Contents = new() };
        input.Contents.Fp32Contents.Add(6);
        request.Inputs.Add(input);

        var response = await new GRPCInferenceService.GRPCInferenceServiceClient(cluster.FrontEnd.Grpc).ModelInferAsync(request);

        Assert.Equal((12 + 7 + 18) / 3f, BitConverter.ToSingle(response.RawOutputContents[0].Span), 1e-5f);
        Assert.Equal("answered", response.Parameters["member.triple"].StringParam);
        Assert.True(response.Parameters["member.triple.milliseconds"].DoubleParam > 0);
    }

    [Fact]
    public async Task The_bundled_ensemble_weighs_two_networks_that_see_the_same_picture()
    {
        for (var digit = 0; digit < 10; digit++)
        {
            var picture = Samples.Picture(digit);
            var (one, other) = (await Api.InferPictureAsync(picture), await Api.InferPictureAsync(picture, model: "digits_mlp"));

            var both = await Api.InferPictureAsync(picture, model: "digits_ensemble");

            Assert.Equal([$"{digit}"], both.Strings("label"));
            var expected = one.Numbers<float>("scores").Zip(other.Numbers<float>("scores"), (a, b) => (3 * a + b) / 4);
            Assert.Equal(expected, both.Numbers<float>("scores"), Near);
        }
    }

    [Fact]
    public async Task The_bundled_pipeline_says_whether_two_networks_agree()
    {
        var picture = Samples.Picture(7);
        var (one, other) = (await Api.InferPictureAsync(picture), await Api.InferPictureAsync(picture, model: "digits_mlp"));

        var answer = await Api.InferPictureAsync(picture, model: "digits_checked");

        Assert.Equal([one.Strings("label")[0] == other.Strings("label")[0]], answer.Numbers<bool>("agree"));
        Assert.Equal(["7"], answer.Strings("label"));
        Assert.Equal(
            one.Numbers<float>("scores").Zip(other.Numbers<float>("scores"), (a, b) => (a + b) / 2), answer.Numbers<float>("scores"), Near);
    }

    [Fact]
    public async Task A_member_that_hangs_and_one_that_fails_do_not_keep_a_quorum_from_answering_and_are_named()
    {
        var before = await ReadMembersAsync("with_stragglers");
        var occupant = Api.InferNumberAsync("slow_far", 6 * TestModels.Work);
        await WaitForWorkAsync("slow_far");

        var answer = await Api.InferNumberAsync("with_stragglers", -2);

        Assert.False(occupant.IsCompleted);
        Assert.Equal((-1 - 6) / 2f, answer.Number);
        Assert.Equal("late", answer.Parameter("member.slow_far").GetString());
        Assert.Equal("failed", answer.Parameter("member.picky").GetString());
        Assert.Contains(TestModels.RefusalOfPicky, answer.Parameter("member.picky.reason").GetString(), StringComparison.Ordinal);
        Assert.True(answer.Parameter("member.slow_far.milliseconds").GetDouble() >= 950);
        var after = await ReadMembersAsync("with_stragglers");
        Assert.Equal(1, after["plus_one"].Answered - before["plus_one"].Answered);
        Assert.Equal(1, after["picky"].Failed - before["picky"].Failed);
        Assert.Equal(1, after["slow_far"].Late - before["slow_far"].Late);
        await occupant;
    }

    [Fact]
    public async Task The_fastest_answer_wins_and_the_others_leave_their_queues_unrun()
    {
        var occupant = Api.InferNumberAsync("slow_far", 2 * TestModels.Work);
        await WaitForWorkAsync("slow_far");
        var before = await Api.GetStatsAsync("slow_far");

        var answer = await Api.InferNumberAsync("fastest", 5);

        Assert.Equal(6, answer.Number);
        Assert.Equal("cancelled", answer.Parameter("member.slow_far").GetString());
        Assert.False(occupant.IsCompleted);
        await Poll.UntilAsync(async () => (await Api.GetStatsAsync("slow_far")).Failures == before.Failures + 1, "the loser leaves its queue");
        Assert.Equal(0, (await Api.GetStatsAsync("slow_far")).QueueDepth);
        (await occupant).AssertOk();
        Assert.Equal(before.Successes + 1, (await Api.GetStatsAsync("slow_far")).Successes);
    }

    [Fact]
    public async Task A_batch_of_a_thousand_comes_back_in_order_from_two_devices()
    {
        var rows = Enumerable.Range(0, 1000).Select(row => (float)row).ToList();

        var answer = await Api.InferNumbersAsync("here", rows);

        Assert.Equal([1000, 1], answer.Shape("OUTPUT0"));
        var numbers = answer.Numbers<float>("OUTPUT0");
        Assert.Equal(rows, numbers.Select(MathF.Floor));
        Assert.Equal([0.25f, 0.75f], numbers.Select(number => number - MathF.Floor(number)).Distinct().Order());
    }

    [Fact]
    public async Task A_diamond_runs_its_branches_at_the_same_time()
    {
        var before = await ReadMembersAsync("diamond");
        var whole = await ReadNanosecondsAsync("diamond");

        // 2x each, of which both branches give back what they get after some work.
        var answer = await Api.InferNumberAsync("diamond", TestModels.Work / 4);

        Assert.Equal(TestModels.Work, answer.Number);
        var after = await ReadMembersAsync("diamond");
        var branches = new[] { "slow_near", "slow_far" }.Sum(name => after[name].Nanoseconds - before[name].Nanoseconds);
        // One after the other they could not be faster than both together.
        Assert.InRange(await ReadNanosecondsAsync("diamond") - whole, 1, branches - 1);
    }

    [Fact]
    public async Task Members_that_are_missing_degrade_an_ensemble_or_make_it_unavailable_and_are_named()
    {
        var index = await Api.GetIndexAsync();
        var degraded = await Api.InferNumberAsync("without_one", 3);
        var unavailable = await Api.InferNumberAsync("without_any", 3);

        Assert.Equal(("READY", "degraded: there is no model 'no_such_model'"), index["without_one"]);
        Assert.Equal(("UNAVAILABLE", "there is no model 'no_such_model'"), index["without_any"]);
        Assert.Equal(6, degraded.Number);
        Assert.Contains("no_such_model", degraded.Parameter("member.no_such_model.reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unavailable.Status);
        Assert.Contains("no_such_model", unavailable.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_gives_a_NaN_is_reported_and_not_averaged_in()
    {
        var answer = await Api.InferNumberAsync("with_nan", 1);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.Contains("'not_a_number' of ensemble 'with_nan': output 'OUTPUT0' has a NaN", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ensemble_whose_member_is_unloaded_says_so_and_loads_it_again_when_it_is_loaded()
    {
        (await Api.ChangeAsync("plus_one", "unload")).AssertOk();
        await Poll.UntilAsync(async () => (await Api.InferNumberAsync("mean_of_three", 1)).Status == HttpStatusCode.ServiceUnavailable, "it is not ready");
        Assert.Contains("model 'plus_one' is not ready: unloaded", (await Api.InferNumberAsync("mean_of_three", 1)).Error, StringComparison.Ordinal);

        (await Api.ChangeAsync("mean_of_three", "load")).AssertOk();

        Assert.Equal(2 * 3 + 1, 3 * (await Api.InferNumberAsync("mean_of_three", 1)).Number, 1e-4f);
    }

    [Fact]
    public async Task Versions_get_their_shares_of_requests()
    {
        const int Calls = 10_000;
        var versions = new int[4];
        await Parallel.ForEachAsync(Enumerable.Range(0, Calls), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, token) =>
            Interlocked.Increment(ref versions[(int)(await Api.InferNumberAsync("canary", 0, cancellationToken: token)).Number]));

        Assert.InRange(versions[3], 0.05 * Calls * 0.98, 0.05 * Calls * 1.02);
        Assert.Equal(Calls, versions[2] + versions[3]);
        // One in ten was copied to version 1, which gives something else.
        await Poll.UntilAsync(
            async () => await ReadShadowAsync() is var (compared, different, skipped) && compared == different && compared + skipped >= 0.1 * Calls * 0.98,
            "the copies are compared");
    }

    [Fact]
    public async Task Requests_of_one_user_stay_with_one_version()
    {
        var versions = new Dictionary<int, int>();
        for (var user = 0; user < 60; user++)
        {
            var request = $$"""
                {"parameters": {"user": "{{user}}"}, "inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1, 1], "data": [0]}]}
                """;
            var first = (await Api.InferJsonAsync("canary", request)).Number;
            for (var call = 0; call < 3; call++) Assert.Equal(first, (await cluster.Silo.Api.InferJsonAsync("canary", request)).Number);
            versions[(int)first] = versions.GetValueOrDefault((int)first) + 1;
        }

        Assert.True(versions[2] > versions.GetValueOrDefault(3));
    }

    private static bool Near(float one, float other) => Math.Abs(one - other) < 1e-5;

    /// <summary>Waits until a request has been taken by the model's device, on which it is the only one.</summary>
    private Task WaitForWorkAsync(string model) => Poll.UntilAsync(
        async () =>
        {
            using var deadline = new CancellationTokenSource();
            var waiting = Api.InferNumberAsync(model, 0, cancellationToken: deadline.Token);
            var isBusy = false;
            await Poll.UntilAsync(async () => waiting.IsCompleted || (isBusy = (await Api.GetStatsAsync(model)).QueueDepth > 0), "it waits, or is answered");
            await deadline.CancelAsync();
            await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Poll.UntilAsync(async () => (await Api.GetStatsAsync(model)).QueueDepth == 0, "it has left the queue");
            return isBusy;
        },
        $"{model} is busy");

    private async Task<long> ReadNanosecondsAsync(string model) => (await Api.GetAsync($"/v2/models/{model}/stats")).Json
        .GetProperty("model_stats")[0].GetProperty("inference_stats").GetProperty("success").GetProperty("ns").GetInt64();

    private async Task<(long Compared, long Different, long Skipped)> ReadShadowAsync()
    {
        var stats = (await Api.GetAsync("/v2/models/canary/versions/1/stats")).Json.GetProperty("model_stats")[0];
        var shadow = stats.GetProperty("shadow");
        return (shadow.GetProperty("compared").GetInt64(), shadow.GetProperty("different").GetInt64(), shadow.GetProperty("skipped").GetInt64());
    }

    private async Task<Dictionary<string, (long Answered, long Failed, long Late, long Nanoseconds)>> ReadMembersAsync(string ensemble)
    {
        var stats = (await Api.GetAsync($"/v2/models/{ensemble}/stats")).Json.GetProperty("model_stats")[0];
        return stats.GetProperty("members").EnumerateArray().ToDictionary(
            member => member.GetProperty("name").GetString()!,
            member => (Of(member, "answered", "count"), Of(member, "failed", "count"), Of(member, "late", "count"), Of(member, "answered", "ns")));

        static long Of(JsonElement member, string outcome, string what) => member.GetProperty(outcome).GetProperty(what).GetInt64();
    }
}
