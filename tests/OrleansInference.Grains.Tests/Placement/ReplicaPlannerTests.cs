using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Tests.Placement;

using Plan = IReadOnlyDictionary<ModelId, IReadOnlyList<string>>;

public sealed class ReplicaPlannerTests
{
    private static readonly Plan Nothing = new Dictionary<ModelId, IReadOnlyList<string>>();

    [Fact]
    public void Replicas_go_to_different_silos_before_they_share_one()
    {
        var plan = Place(["a.cpu:0", "a.cpu:1", "b.cpu:0"], [Model("m", 3)]);

        Assert.Equal(3, plan[new("m", 1)].Count);
        Assert.Equal(2, plan[new("m", 1)].Take(2).Select(ModelInstanceId.SiloOf).Distinct().Count());
    }

    [Fact]
    public void A_device_that_has_no_room_is_chosen_only_where_none_has()
    {
        PlacementDevice[] devices = [new("a.cpu:0", 100), new("b.cpu:0", 1000)];

        Assert.Equal(["b.cpu:0"], ReplicaPlanner.Plan(devices, [Model("m", 1, memory: 500)], Nothing)[new("m", 1)]);
        Assert.Single(ReplicaPlanner.Plan(devices, [Model("m", 1, memory: 5000)], Nothing)[new("m", 1)]);
    }

    [Fact]
    public void Of_equal_devices_the_less_busy_one_is_chosen()
    {
        PlacementDevice[] devices = [new("a.cpu:0", Outstanding: 50), new("b.cpu:0", Outstanding: 1), new("c.cpu:0", Outstanding: 50)];

        Assert.All(Enumerable.Range(0, 20), number =>
            Assert.Equal(["b.cpu:0"], ReplicaPlanner.Plan(devices, [Model($"m{number}", 1)], Nothing)[new($"m{number}", 1)]));
    }

    [Fact]
    public void A_device_with_twice_the_memory_gets_twice_as_much()
    {
        PlacementDevice[] devices = [new("a.cpu:0", 100_000), new("b.cpu:0", 200_000)];

        var plan = ReplicaPlanner.Plan(devices, [.. Enumerable.Range(0, 300).Select(number => Model($"m{number}", 1, memory: 100))], Nothing);

        Assert.InRange(plan.Values.Count(places => places[0] == "b.cpu:0"), 190, 210);
    }

    [Fact]
    public void Only_devices_that_a_model_admits_hold_it()
    {
        var model = Model("m", 5) with { Admits = device => device.Name.Contains("cuda", StringComparison.Ordinal) };

        Assert.Equal(["a.cuda:0"], Place(["a.cpu:0", "a.cuda:0", "b.cpu:0"], [model])[new("m", 1)]);
    }

    [Fact]
    public void What_is_placed_stays_where_it_is_when_nothing_has_changed()
    {
        var models = Enumerable.Range(0, 50).Select(number => Model($"m{number}", 2)).ToArray();
        string[] devices = ["a.cpu:0", "b.cpu:0", "c.cpu:0", "d.cpu:0"];
        var plan = Place(devices, models);

        Assert.Equal(plan, Place(devices, models, plan));
    }

    [Fact]
    public void A_silo_that_joins_gets_its_share_and_no_more_is_moved_than_that()
    {
        var models = Enumerable.Range(0, 300).Select(number => Model($"m{number}", 2)).ToArray();
        string[] devices = ["a.cpu:0", "b.cpu:0", "c.cpu:0", "d.cpu:0"];
        var before = Place(devices, models);

        var after = Place([.. devices, "e.cpu:0"], models, before);

        var moved = after.Sum(pair => pair.Value.Except(before[pair.Key]).Count());
        Assert.InRange(moved, 95, 120); // A fifth of 600, less the tolerance.
        Assert.Equal(moved, after.Values.Count(places => places.Contains("e.cpu:0")));
    }

    [Fact]
    public void A_silo_that_leaves_has_only_its_own_replicas_made_elsewhere()
    {
        var models = Enumerable.Range(0, 300).Select(number => Model($"m{number}", 2)).ToArray();
        var before = Place(["a.cpu:0", "b.cpu:0", "c.cpu:0", "d.cpu:0"], models);

        var after = Place(["a.cpu:0", "b.cpu:0", "c.cpu:0"], models, before);

        Assert.All(after, pair => Assert.Equal(2, pair.Value.Count));
        Assert.All(before, pair => Assert.Superset(pair.Value.Where(device => device != "d.cpu:0").ToHashSet(), after[pair.Key].ToHashSet()));
        Assert.All(after.Values.SelectMany(places => places).CountBy(device => device), pair => Assert.InRange(pair.Value, 180, 222));
    }

    [Fact]
    public void A_model_that_needs_fewer_replicas_keeps_the_first_ones()
    {
        var plan = Place(["a.cpu:0", "b.cpu:0", "c.cpu:0"], [Model("m", 3)]);

        Assert.Equal(plan[new("m", 1)].Take(1), Place(["a.cpu:0", "b.cpu:0", "c.cpu:0"], [Model("m", 1)], plan)[new("m", 1)]);
    }

    [Fact]
    public void Models_on_all_devices_do_not_keep_others_from_being_balanced()
    {
        string[] devices = ["a.cpu:0", "b.cpu:0"];
        var models = Enumerable.Range(0, 10).Select(number => Model($"m{number}", 1)).Append(Model("everywhere", 2)).ToArray();
        var crowded = models.ToDictionary(model => model.Model, IReadOnlyList<string> (model) => model.Replicas == 2 ? devices : ["a.cpu:0"]);

        var plan = Place(devices, models, crowded);

        Assert.Equal(2, plan[new("everywhere", 1)].Count);
        Assert.InRange(plan.Values.Count(places => places is ["b.cpu:0"]), 4, 6);
    }

    private static Plan Place(string[] devices, PlacementDemand[] models, Plan? current = null) =>
        ReplicaPlanner.Plan([.. devices.Select(device => new PlacementDevice(device))], models, current ?? Nothing);

    private static PlacementDemand Model(string name, int replicas, long memory = 0) => new(new(name, 1), replicas, memory, _ => true);
}
