using System.Net;
using System.Text.Json;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>More models than there is room for.</summary>
public sealed class OnDemandTests(ITestOutputHelper output)
{
    private const int Models = 1000;
    private const int Fitting = 20;
    private const int Callers = 16;
    private const int CallsEach = 100;

    [Fact]
    public async Task A_thousand_models_of_which_twenty_fit_answer_all_calls()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, Name(0), "2");
        var bytes = await MeasureAsync(repository.Path);
        for (var model = 1; model < Models; model++) TestModels.AddLinear(repository.Path, Name(model), "2");
        // What is measured differs by some pages from one time to another.
        var budget = bytes * Fitting;
        await using var service = await Service.StartSiloAsync(repository.Path, $"--Inference:DeviceMemoryBudget={budget}");
        var largest = 0L;

        var calls = Task.WhenAll(Enumerable.Range(0, Callers).Select(CallAsync));
        // The last look is after the last call, when what has been loaded is told.
        for (var isLast = false; !isLast;)
        {
            isLast = calls.IsCompleted;
            largest = Math.Max(largest, await ReadUsedAsync(service.Api));
        }

        var answers = await calls;
        Assert.All(answers.SelectMany(batch => batch), answer => Assert.Equal((HttpStatusCode.OK, 6f), (answer.Status, answer.Number)));
        var (loads, cold) = (0L, 0L);
        foreach (var model in (await StatisticsAsync(service.Api)).EnumerateArray())
        {
            loads += model.GetProperty("load_count").GetInt64();
            cold += model.GetProperty("cold_request_count").GetInt64();
        }

        output.WriteLine($"{Callers * CallsEach} calls of {Models} models, of which {budget / bytes} fit: {loads} loads, hit rate {1 - ((double)cold / (Callers * CallsEach)):P1}");
        Assert.InRange(loads, Fitting + 1, cold * 5 / 4);
        Assert.InRange(cold, 1, Callers * CallsEach * 9 / 10);
        Assert.InRange(largest, 1, budget);

        async Task<List<Answer>> CallAsync(int caller)
        {
            var random = new Random(caller);
            var answers = new List<Answer>();
            for (var call = 0; call < CallsEach; call++) answers.Add(await service.Api.InferNumberAsync(Name(Zipf(random)), 3));
            return answers;
        }
    }

    [Fact]
    public async Task A_model_that_is_to_stay_and_one_that_is_too_large_are_told_apart()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "pinned", "2", more: "\"min_instances\": 1");
        await using var service = await Service.StartSiloAsync(repository.Path, $"--Inference:DeviceMemoryBudget={3 * 1024 * 1024}");

        Assert.Equal(6, (await service.Api.InferNumberAsync("pinned", 3)).Number);
        // It takes more than the budget.
        var refused = await service.Api.InferPictureAsync(Samples.Picture(3));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Contains("DeviceMemoryBudget", refused.Error, StringComparison.Ordinal);
        Assert.Equal(("READY", ""), (await service.Api.GetIndexAsync())["pinned"]);
    }

    /// <summary>What a model takes where there is room for all.</summary>
    private static async Task<long> MeasureAsync(string repository)
    {
        await using var service = await Service.StartSiloAsync(repository);
        var body = (await service.Api.GetAsync($"/v2/models/{Name(0)}/stats")).Json;
        return body.GetProperty("model_stats")[0].GetProperty("memory_usage")[0].GetProperty("byte_size").GetInt64();
    }

    /// <summary>What all models take at this moment.</summary>
    private static async Task<long> ReadUsedAsync(InferenceApi api) => (await StatisticsAsync(api)).EnumerateArray()
        .SelectMany(model => model.GetProperty("memory_usage").EnumerateArray())
        .Sum(usage => usage.GetProperty("byte_size").GetInt64());

    private static async Task<JsonElement> StatisticsAsync(InferenceApi api) =>
        (await api.GetAsync("/v2/models/stats")).Json.GetProperty("model_stats");

    private static string Name(int model) => $"model{model}";

    /// <summary>The first model is asked as often as the second and third together, and so on.</summary>
    private static int Zipf(Random random)
    {
        var place = random.NextDouble() * Enumerable.Range(1, Models).Sum(rank => 1.0 / rank);
        var model = 0;
        for (var sum = 1.0; sum < place && model < Models - 1; sum += 1.0 / (model + 1)) model++;
        return model;
    }
}
