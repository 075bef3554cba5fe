namespace OrleansInference.Grains.Tests.Placement;

/// <summary>Placement in a cluster that changes all the time, by a seed. At full length with <c>TESTS=full</c>, which also prints what came of it.</summary>
public sealed class PlacementSimulationTests(ITestOutputHelper output)
{
    private static readonly bool IsFull = TestLength.IsFull;

    private static readonly (int Silos, int Models, int Changes) Size = IsFull ? (1000, 10_000, 300) : (60, 600, 60);

    [Fact]
    public void Devices_stay_evenly_filled_and_little_is_moved_while_silos_and_models_come_and_go()
    {
        var cluster = new SimulatedCluster(seed: 7, Size.Silos, Size.Models);
        cluster.Converge();
        output.WriteLine($"{Size.Silos} silos, {Size.Models} models, {cluster.Replicas} replicas: fullest device {cluster.FullestOverMean:F2} of the mean");
        var changes = new Dictionary<string, (int Count, int Moves, int Needed, int Rounds)>();
        for (var change = 0; change < Size.Changes; change++)
        {
            var (name, needed) = cluster.ChangeSomething();
            var (moves, rounds) = cluster.Converge();
            var sum = changes.GetValueOrDefault(name);
            changes[name] = (sum.Count + 1, sum.Moves + moves, sum.Needed + needed, Math.Max(sum.Rounds, rounds));
            cluster.AssertSound();
            Assert.InRange(cluster.FullestOverMean, 1, 1.5);
        }

        foreach (var (name, (count, moves, needed, rounds)) in changes.OrderBy(change => change.Key, StringComparer.Ordinal))
        {
            output.WriteLine(
                $"{name}: {count} times, {(double)moves / count:F1} loads for each, of which {(double)needed / count:F1} could not be saved; settled after at most {rounds} rounds");
            Assert.InRange(rounds, 1, 4);
            Assert.InRange(moves, needed, (3 * needed) + (count * 10));
        }

        output.WriteLine($"fullest device {cluster.FullestOverMean:F2} of the mean, slowest plan {cluster.SlowestPlan.TotalMilliseconds:F0} ms");
    }

    [Fact]
    public void A_catalog_that_has_moved_and_knows_only_what_is_loaded_changes_nothing()
    {
        var cluster = new SimulatedCluster(seed: 11, Size.Silos, Size.Models);
        cluster.Converge();

        Assert.Equal((0, 1), cluster.Converge());
    }
}
