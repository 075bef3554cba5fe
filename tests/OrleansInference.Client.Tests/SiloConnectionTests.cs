using System.Collections.Concurrent;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

/// <summary>How requests of a client that has several connections get to the silos that are to answer them.</summary>
public sealed class SiloConnectionTests
{
    private static readonly ModelEntry[] Three = [Model("a", devices: "a.cpu:0"), Model("b", devices: "b.cpu:0"), Model("c", devices: "c.cpu:0")];

    [Fact]
    public async Task Requests_take_the_connection_to_the_silo_that_answers_them()
    {
        await using var harness = await StartAsync("a", "b", "c");

        foreach (var model in new[] { "a", "b", "c", "a" }) await AskAsync(harness, model);

        Assert.All(harness.Grains.Passed, passed => Assert.Equal("abc"[(int)passed.Key % 3], passed.Device[0]));
        Assert.Equal(["a.cpu:0", "b.cpu:0", "c.cpu:0", "a.cpu:0"], harness.Grains.Passed.Select(passed => passed.Device));
    }

    [Fact]
    public async Task Those_to_a_silo_to_which_none_is_known_take_the_way_that_the_runtime_knows()
    {
        await using var harness = await StartAsync("a", "b");

        foreach (var model in new[] { "c", "a" }) await AskAsync(harness, model);

        Assert.Equal(["a.cpu:0"], harness.Grains.Passed.Select(passed => passed.Device));
        Assert.Equal(["c@1/c.cpu:0", "a@1/a.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task A_silo_that_joins_is_found()
    {
        await using var harness = await StartAsync("a", "b");
        harness.Grains.OnGetSilo = key => Task.FromResult(key < 80 ? key % 2 == 0 ? "a" : "b" : "c");

        await FindAsync(harness, Three, 3);
    }

    [Fact]
    public async Task Silos_that_are_not_found_are_looked_for_ever_less_often_and_with_no_more_keys_than_there_are()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: [.. Enumerable.Range(0, 70).Select(silo => $"s{silo}.cpu:0")])]);
        var keys = new ConcurrentQueue<long>();
        harness.Grains.OnGetSilo = key =>
        {
            keys.Enqueue(key);
            return Task.FromException<string>(new SiloUnavailableException("gone"));
        };
        var rounds = 0;
        for (; keys.Count < 1100; rounds++)
        {
            harness.Time.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }

        Assert.Equal(1024, keys.Distinct().Count());
        Assert.All(keys, key => Assert.InRange(key, 64, 64 + 1023));
        // Eighteen times 64 keys, of which each time but the first few in one of 32 rounds.
        Assert.InRange(rounds, 300, int.MaxValue);
    }

    [Fact]
    public async Task A_connection_that_has_come_to_lead_elsewhere_is_given_up_for_one_that_leads_there()
    {
        await using var harness = await StartAsync("a", "b", "c");
        harness.Grains.OnGetSilo = key => Task.FromResult("bca"[(int)key % 3].ToString());

        while (!harness.Grains.Passed.Any(passed => passed.Key % 3 == 2))
        {
            await harness.PassAsync(TimeSpan.FromMilliseconds(100));
            await AskAsync(harness, "a");
        }
    }

    [Fact]
    public async Task A_request_over_one_that_has_just_come_to_lead_elsewhere_is_answered_all_the_same()
    {
        await using var harness = await StartAsync("a", "b", "c");
        harness.Grains.OnGetSilo = _ => Task.FromResult("b");

        await AskAsync(harness, "a");
        await AskAsync(harness, "a");

        Assert.Single(harness.Grains.Passed);
        Assert.Equal(["a@1/a.cpu:0", "a@1/a.cpu:0"], harness.Grains.Asked);
    }

    [Fact]
    public async Task An_answer_from_elsewhere_does_not_clear_a_silo_that_has_lost_a_call()
    {
        await using var harness = await StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])], "a", "b");
        var silent = harness.Silence();
        harness.Grains.OnFindLostByWorker = asked => Task.FromResult(asked);

        await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request));
        for (var i = 0; i < 20; i++)
        {
            await harness.PassAsync(TimeSpan.FromMilliseconds(100));
            await harness.Client.InferAsync(ClientHarness.Request);
        }

        Assert.Equal(1, harness.Grains.Asked.Count(asked => asked.EndsWith(silent(), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_silo_that_hangs_is_asked_what_it_has_over_its_own_connection_and_another_answers_instead()
    {
        await using var harness = await StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])], "a", "b");
        harness.Silence();
        harness.Grains.OnFindLostByWorker = _ => new TaskCompletionSource<long[]>().Task;
        var began = harness.Time.GetUtcNow();

        await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(2, harness.Grains.Passed.Select(passed => passed.Key % 2).Distinct().Count());
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public async Task The_only_silo_with_models_needs_one_where_there_are_others(int silos, int passed)
    {
        await using var harness = await ClientHarness.StartAsync([Three[0]]);
        harness.Gateways.Count = silos;
        var looked = 0;
        harness.Grains.OnGetSilo = key =>
        {
            looked++;
            return Task.FromResult(key % silos == 0 ? "a" : "b");
        };
        while (harness.Gateways.Asked < 3 && looked == 0) await harness.PassAsync(TimeSpan.FromMilliseconds(100));
        await harness.PassAsync(TimeSpan.FromMilliseconds(100));

        await AskAsync(harness, "a");

        Assert.Equal(passed, harness.Grains.Passed.Count);
        Assert.Single(harness.Grains.Asked);
    }

    private static Task<ClientHarness> StartAsync(params string[] silos) => StartAsync(Three, silos);

    /// <summary>Starts a client whose connections lead to the silos in turn, and lets it find them.</summary>
    private static async Task<ClientHarness> StartAsync(ModelEntry[] models, params string[] silos)
    {
        var harness = await ClientHarness.StartAsync(models);
        harness.Grains.OnGetSilo = key => Task.FromResult(silos[key % silos.Length]);
        await FindAsync(harness, models, silos.Length);
        return harness;
    }

    /// <summary>Lets time pass until so many silos are asked over connections of their own.</summary>
    private static async Task FindAsync(ClientHarness harness, ModelEntry[] models, int silos)
    {
        while (harness.Grains.Passed.DistinctBy(passed => passed.Device).Count() < silos)
        {
            await harness.PassAsync(TimeSpan.FromMilliseconds(100));
            foreach (var model in models) await AskAsync(harness, model.Id.Name);
        }

        harness.Grains.Passed.Clear();
        harness.Grains.Asked.Clear();
    }

    private static Task AskAsync(ClientHarness harness, string model) => harness.Client.InferAsync(ClientHarness.Request with { Model = model });
}
