using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Programs.Compose;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>What <c>docker-compose.yml</c> starts, without Docker.</summary>
public sealed class ComposeTests
{
    [Fact]
    public async Task The_front_end_and_every_silo_of_the_cluster_answer_for_all_and_a_silo_that_is_started_again_joins_again()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no SIGTERM on Windows.");
        await using var cluster = await ComposeCluster.StartAsync();
        Assert.Equal(3, cluster.Silos.Count);
        foreach (var name in cluster.Silos.Append(cluster.FrontEndName))
        {
            await AssertAnswersAsync(cluster[name]);
            Assert.Equal(0, await cluster.ProbeAsync(name));
        }

        var again = cluster.Silos[0];

        await cluster.RestartAsync(again);

        await AssertAnswersAsync(cluster[again]);
        // Now it is the only one that could answer.
        foreach (var name in cluster.Silos.Skip(1)) await cluster.TerminateAsync(name);
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.InferPictureAsync(Samples.Picture(7))).Status == HttpStatusCode.OK, "the front end has found it");
        await cluster.TerminateAsync(again);
        await cluster.TerminateAsync(cluster.FrontEndName);
        Assert.Equal(1, await cluster.ProbeAsync(again));
    }

    [Fact]
    public async Task A_silo_that_comes_before_Redis_ends_with_a_sentence_for_its_container_to_start_it_again_and_a_front_end_waits_for_both()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "twice", "2");
        await using var cluster = ComposeCluster.Create(repository.Path);
        var name = cluster.Silos[0];
        var frontEnd = cluster.Start(cluster.FrontEndName);
        var early = cluster.Start(name);

        Assert.Equal(1, await early.Program.WaitAsync());
        Assert.Contains("The silo has ended: ", early.Program.Errors, StringComparison.Ordinal);
        await cluster.StartRedisAsync();
        await cluster.StartAndWaitAsync(name);
        await frontEnd.WaitUntilReadyAsync();
        Assert.Equal(42, (await frontEnd.Api.InferNumberAsync("twice", 21)).Number);
    }

    private static async Task AssertAnswersAsync(Service service) =>
        Assert.Equal(["7"], (await service.Api.InferPictureAsync(Samples.Picture(7))).Strings("label"));
}
