using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs.Compose;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>A model whose number of replicas follows its load, in a cluster as <c>docker-compose.yml</c> has it.</summary>
[Collection(nameof(FailureTests.Alone))]
public sealed class ScalingTests : IDisposable
{
    private const string Model = "elastic";

    private readonly TemporaryFolder _repository = new();

    [Fact]
    public async Task It_gets_replicas_under_load_has_none_when_nobody_asks_and_is_loaded_again_by_the_next_request()
    {
        TestModels.AddLinear(
            _repository.Path, Model, "1", more: """ "autoscaling": { "min_replicas": 0, "max_replicas": 2, "target_outstanding": 1, "idle_seconds": 5 } """);
        await using var cluster = await ComposeCluster.StartAsync(_repository.Path);

        var load = CallerLoad.Start(16, _ => cluster.FrontEnd.Api, Model);
        await WaitForReplicasAsync(cluster, 2);
        await load.StopAsync();

        load.AssertNothingLost();
        await WaitForReplicasAsync(cluster, 0);
        Assert.Equal(42, (await cluster.FrontEnd.Api.InferNumberAsync(Model, 42)).Number);
        await WaitForReplicasAsync(cluster, 1);
    }

    public void Dispose() => _repository.Dispose();

    private static Task WaitForReplicasAsync(ComposeCluster cluster, int count) => Poll.UntilAsync(
        async () => (await cluster.FrontEnd.Api.GetPlacesAsync(Model)).Count == count, $"{count} silos have the model");
}
