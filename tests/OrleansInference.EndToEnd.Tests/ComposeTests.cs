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
        foreach (var name in cluster.Silos.Append(cluster.FrontEndName)) await AssertAnswersAsync(cluster[name]);
        var again = cluster.Silos[0];

        await cluster.RestartAsync(again);

        await AssertAnswersAsync(cluster[again]);
        // Now it is the only one that could answer.
        foreach (var name in cluster.Silos.Skip(1)) await cluster.TerminateAsync(name);
        await Poll.UntilAsync(
            async () => (await cluster.FrontEnd.Api.InferPictureAsync(Samples.Picture(7))).Status == HttpStatusCode.OK, "the front end has found it");
        await cluster.TerminateAsync(again);
        await cluster.TerminateAsync(cluster.FrontEndName);
    }

    private static async Task AssertAnswersAsync(Service service) =>
        Assert.Equal(["7"], (await service.Api.InferPictureAsync(Samples.Picture(7))).Strings("label"));
}
