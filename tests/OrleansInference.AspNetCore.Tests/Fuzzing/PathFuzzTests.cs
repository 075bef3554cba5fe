using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Fuzzing;

/// <summary>Paths that nobody means.</summary>
public sealed class PathFuzzTests
{
    private const int Cases = 5_000;

    private static readonly string[] Pieces =
    [
        "v2", "models", "simple", "nothing", "versions", "1", "-1", "99999999999999999999", "infer", "config", "stats", "ready", "health", "live",
        "repository", "index", "logging", "trace", "setting", "systemsharedmemory", "region", "", ".", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd",
        "%0d%0aX-Header:%20x", "%ff%fe", "%c0%af", "%", "%zz", "%25", "{model}", "\\..\\..", "~", "'", "\"", ";", "世界", "%e4%b8%96", "a b", "*", "[", "|",
    ];

    private static readonly string[] Verbs = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

    private static readonly int[] Documented = [200, 400, 404, 405];

    [Fact]
    public async Task Malformed_paths_are_answered_or_refused_and_never_a_failure_of_the_server()
    {
        await using var door = await FrontDoor.StartAsync();
        var random = new Random(11);
        var refused = 0;
        for (var number = 0; number < Cases; number++)
        {
            var pieces = Enumerable.Range(0, random.Next(1, 8)).Select(_ => Pieces[random.Next(Pieces.Length)]);
            var path = (random.Next(3) == 0 ? "/v2/" : "/v2/models/") + string.Join('/', pieces) + (random.Next(4) == 0 ? "?model=simple&x=%00%ff" : "");
            var verb = Verbs[random.Next(Verbs.Length)];

            var answer = await door.SendAsync(new(verb), path, verb == "POST" ? Bodies.Json("{}") : null);

            var place = $"Request {number}, {verb} {path}, was answered {answer.Status} {answer.Text}";
            Assert.True(Documented.Contains(answer.Status), place);
            if (answer.Status == 200) continue;
            refused++;
            if (verb != "HEAD") Assert.True(answer.Json.GetProperty("error").GetString() is { Length: > 0 }, place);
            Assert.False(answer.Headers.ContainsKey("X-Header"), place);
        }

        Assert.InRange(refused, Cases / 2, Cases);
        Assert.Empty(door.Client.Requests);
    }
}
