using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Programs.Compose;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>What a cluster keeps its state in is a matter of settings alone.</summary>
public sealed class StorageTests
{
    [Fact]
    public async Task A_model_that_was_unloaded_stays_so_when_all_silos_have_been_away_with_Redis()
    {
        using var repository = CreateRepository();
        await using var cluster = ComposeCluster.Create(repository.Path);
        await cluster.StartRedisAsync();

        await AssertRemembersAsync(cluster);
    }

    [Fact]
    public async Task A_model_that_was_unloaded_stays_so_when_all_silos_have_been_away_with_PostgreSQL()
    {
        using var repository = CreateRepository();
        await using var server = await PostgresServer.StartAsync(Path.Combine(ComposeFile.Read().Folder, "silo", "postgresql", "orleans.sql"));
        await using var cluster = ComposeCluster.Create(repository.Path, server.Settings);

        await AssertRemembersAsync(cluster);
    }

    private static async Task AssertRemembersAsync(ComposeCluster cluster)
    {
        string[] silos = [.. cluster.Silos.Take(2)];
        foreach (var name in silos.Append(cluster.FrontEndName)) await cluster.StartAndWaitAsync(name);
        var api = cluster.FrontEnd.Api;
        Assert.Equal(42, (await api.InferNumberAsync("twice", 21)).Number);
        Assert.Equal(HttpStatusCode.OK, (await api.ChangeAsync("triple", "unload")).Status);

        foreach (var name in silos) await cluster.TerminateAsync(name);
        foreach (var name in silos) await cluster.StartAndWaitAsync(name);

        await Poll.UntilAsync(async () => (await api.InferNumberAsync("twice", 21)).Status == HttpStatusCode.OK, "the front end has found the silos");
        Assert.Equal("UNAVAILABLE", (await api.GetIndexAsync())["triple"].State);
        Assert.NotEqual(HttpStatusCode.OK, (await api.InferNumberAsync("triple", 1)).Status);
    }

    private static TemporaryFolder CreateRepository()
    {
        var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "twice", "2");
        TestModels.AddLinear(repository.Path, "triple", "3");
        return repository;
    }
}
