using System.Globalization;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Fuzzing;

/// <summary>By itself, since it looks at the memory of the whole process.</summary>
[CollectionDefinition(nameof(FuzzTests), DisableParallelization = true)]
public sealed class FuzzCollection;

[Collection(nameof(FuzzTests))]
public sealed class FuzzTests
{
    /// <summary>Sets the number of requests, for a longer run than the normal one.</summary>
    private const string Switch = "FUZZ_CASES";

    private const int NormalCases = 100_000;
    private const int Seeds = 2;

    private static readonly int[] Documented = [200, 400, 404, 413, 415];

    [Fact]
    public async Task A_hundred_thousand_hostile_requests_are_answered_or_refused_and_leave_no_memory_behind()
    {
        var cases = int.Parse(Environment.GetEnvironmentVariable(Switch) ?? $"{NormalCases}", CultureInfo.InvariantCulture);
        await using var door = await FrontDoor.StartAsync(maxRequestBytes: 1 << 20);
        await FuzzAsync(door, cases / 10);
        var early = GC.GetTotalMemory(forceFullCollection: true);

        await FuzzAsync(door, cases - cases / 10);

        var late = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(late - early < 16 << 20, $"{late - early} bytes stayed behind");
        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertOk();
    }

    private static Task FuzzAsync(FrontDoor door, int cases) => Task.WhenAll(Enumerable.Range(1, Seeds).Select(seed => Task.Run(async () =>
    {
        var requests = new RequestMutator(seed + cases);
        for (var number = 0; number < cases / Seeds; number++)
        {
            var (route, body, acceptEncoding) = requests.Next();
            var sent = await body.ReadAsByteArrayAsync();
            var answer = await door.SendAsync(HttpMethod.Post, $"/v2/models/{route}", body, acceptEncoding: acceptEncoding)
                .WaitAsync(TimeSpan.FromSeconds(60));
            var place = $"Seed {seed + cases}, request {number} to {route}: {Convert.ToBase64String(sent)} was answered {answer.Status} {answer.Text}";
            Assert.True(Documented.Contains(answer.Status), place);
            if (answer.Status == 200) continue;
            Assert.True(answer.Json.TryGetProperty("error", out var error) && error.GetString() is { Length: > 0 }, place);
            door.Client.Requests.Clear();
        }
    })));
}
