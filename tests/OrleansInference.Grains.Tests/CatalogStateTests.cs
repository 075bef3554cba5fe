using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Tests;

public sealed class CatalogStateTests
{
    private static readonly ModelId Model = new("m", 1);

    [Fact]
    public void A_model_is_wanted_on_every_device_that_it_admits_and_that_does_not_have_it()
    {
        var reports = new[]
        {
            Report("a", ["a.cpu:0", "a.cuda:0", "a.cuda:1"], Published("cuda"), Status("a.cuda:1", ModelState.Loading)),
            Report("b", ["b.cpu:0"], Published("cuda")),
        };

        Assert.Equal(["a.cuda:0"], State(reports).FindMissing().Select(instance => instance.Device));
    }

    [Fact]
    public void A_model_bound_to_one_gpu_is_wanted_on_that_one_only()
    {
        var report = Report("a", ["a.cuda:1", "a.cuda:10"], Published("cuda:1"));

        Assert.Equal(["a.cuda:1"], State([report]).FindMissing().Select(instance => instance.Device));
    }

    [Fact]
    public void A_broken_model_is_wanted_nowhere()
    {
        var report = Report("a", ["a.cpu:0"], new ModelPublication(Model, null, "config.json: is broken"));

        Assert.Empty(State([report]).FindMissing());
        var entry = Assert.Single(State([report]).Merge());
        Assert.Equal((ModelState.Unavailable, "config.json: is broken"), (entry.State, entry.Reason));
    }

    [Theory]
    [InlineData(ModelState.Ready, ModelState.Unavailable, ModelState.Ready)]
    [InlineData(ModelState.Loading, ModelState.Unavailable, ModelState.Loading)]
    [InlineData(ModelState.Unloading, ModelState.Loading, ModelState.Loading)]
    public void A_model_is_as_good_as_its_best_instance(ModelState left, ModelState right, ModelState expected)
    {
        var reports = new[]
        {
            Report("a", ["a.cpu:0"], Published(), Status("a.cpu:0", left)),
            Report("b", ["b.cpu:0"], Published(), Status("b.cpu:0", right)),
        };

        Assert.Equal(expected, Assert.Single(State(reports).Merge()).State);
    }

    [Fact]
    public void A_model_that_is_going_away_and_is_to_be_somewhere_is_about_to_be_loaded()
    {
        var entry = Assert.Single(State([Report("a", ["a.cpu:0"], Published(), Status("a.cpu:0", ModelState.Unloading))]).Merge());

        Assert.Equal((ModelState.Loading, "the model is about to be loaded"), (entry.State, entry.Reason));
    }

    [Fact]
    public void A_model_that_no_device_of_the_cluster_may_hold_says_which_it_needs()
    {
        var entry = Assert.Single(State([Report("a", ["a.cpu:0"], Published("cuda"))]).Merge());

        Assert.Equal(ModelState.Unavailable, entry.State);
        Assert.Contains("cuda", entry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_word_of_a_silo_that_can_read_a_model_counts_more_than_that_of_one_that_cannot()
    {
        var reports = new[]
        {
            Report("a", ["a.cpu:0"], new ModelPublication(Model, null, "the file 1/model.pt is missing")),
            Report("b", ["b.cpu:0"], Published(), Status("b.cpu:0", ModelState.Ready)),
        };

        Assert.Equal(ModelState.Ready, Assert.Single(State(reports).Merge()).State);
    }

    [Fact]
    public void An_unloaded_model_is_wanted_nowhere_and_leaves_where_it_is()
    {
        var state = State([Report("a", ["a.cpu:0", "a.cpu:1"], Published(), Status("a.cpu:0", ModelState.Ready))], unloaded: "m");

        Assert.Empty(state.FindMissing());
        Assert.Equal(["a.cpu:0"], state.FindSurplus().Select(instance => instance.Device));
        var entry = Assert.Single(state.Merge());
        Assert.Equal((ModelState.Unloading, "unloaded"), (entry.State, entry.Reason));
    }

    [Fact]
    public void A_model_whose_last_instance_has_left_is_unavailable_as_unloaded()
    {
        var entry = Assert.Single(State([Report("a", ["a.cpu:0"], Published())], unloaded: "m").Merge());

        Assert.Equal((ModelState.Unavailable, "unloaded"), (entry.State, entry.Reason));
    }

    [Fact]
    public void An_instance_that_is_leaving_already_is_not_asked_again()
    {
        var state = State([Report("a", ["a.cpu:0"], Published(), Status("a.cpu:0", ModelState.Unloading))], unloaded: "m");

        Assert.Empty(state.FindSurplus());
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(ModelState.Loading, 0)]
    [InlineData(ModelState.Ready, 1)]
    [InlineData(ModelState.Unavailable, 0)]
    public void A_version_that_is_no_longer_published_stays_until_the_one_in_its_place_answers(ModelState? successor, int leaving)
    {
        var old = new ModelInstanceStatus(new(new("m", 0), "a.cpu:0"), ModelState.Ready);
        ModelInstanceStatus[] instances = successor is { } state ? [old, Status("a.cpu:0", state)] : [old];
        var report = Report("a", ["a.cpu:0"], Published(), instances);

        Assert.Equal(leaving, State([report]).FindSurplus().Count);
    }

    [Fact]
    public void A_loaded_version_that_is_no_longer_published_answers_as_it_was_loaded()
    {
        var report = Report("a", ["a.cpu:0"], new ModelPublication(Model, null, "config.json: is broken"), Status("a.cpu:0", ModelState.Ready));

        var entry = Assert.Single(State([report with { Loaded = [Published().Descriptor!] }]).Merge());

        Assert.Equal(Published().Descriptor!.Configuration, entry.GetReadyDescriptor().Configuration);
    }

    [Fact]
    public void A_version_that_is_no_longer_published_and_cannot_answer_does_not_stay()
    {
        var old = new ModelInstanceStatus(new(new("m", 0), "a.cpu:0"), ModelState.Unavailable);

        Assert.Single(State([Report("a", ["a.cpu:0"], Published(), old)]).FindSurplus());
    }

    [Fact]
    public void Each_device_waits_for_its_own_successor()
    {
        ModelInstanceStatus Old(string device) => new(new(new("m", 0), device), ModelState.Ready);
        var report = Report("a", ["a.cpu:0", "a.cpu:1"], Published(), Old("a.cpu:0"), Old("a.cpu:1"), Status("a.cpu:1", ModelState.Ready));

        Assert.Equal(["a.cpu:1"], State([report]).FindSurplus().Select(instance => instance.Device));
    }

    [Fact]
    public void What_has_changed_since_it_was_loaded_is_to_be_loaded_again()
    {
        var changed = Report("a", ["a.cpu:0"], Published() with { Revision = "new" }, Status("a.cpu:0", ModelState.Ready) with { Revision = "old" });
        var same = Report("b", ["b.cpu:0"], Published() with { Revision = "new" }, Status("b.cpu:0", ModelState.Unavailable) with { Revision = "new" });

        Assert.Equal(["a.cpu:0"], State([changed, same]).FindMissing().Select(instance => instance.Device));
    }

    [Fact]
    public void A_model_of_an_explicit_repository_is_wanted_when_it_was_asked_for()
    {
        var reports = new[] { Report("a", ["a.cpu:0"], Published() with { Trigger = LoadTrigger.Command }) };

        Assert.Empty(State(reports).FindMissing());
        Assert.Contains("Explicit", Assert.Single(State(reports).Merge()).Reason, StringComparison.Ordinal);
        Assert.Single(new CatalogState(reports, new CatalogWishes().With("m", unloaded: false)).FindMissing());
        Assert.Empty(new CatalogState(reports, new CatalogWishes().With("m", unloaded: false).With("m", unloaded: true)).FindMissing());
    }

    [Fact]
    public void What_is_wrong_in_the_folder_of_a_model_that_answers_stands_beside_its_state()
    {
        var report = Report("a", ["a.cpu:0"], Published() with { Notice = "its files are being written" }, Status("a.cpu:0", ModelState.Ready));

        var entry = Assert.Single(State([report]).Merge());

        Assert.Equal((ModelState.Ready, "its files are being written"), (entry.State, entry.Reason));
    }

    [Fact]
    public void Where_room_is_scarce_a_model_is_ready_on_one_device_and_loaded_on_none()
    {
        var state = State([Scarce(Published())]);

        Assert.Empty(state.FindMissing());
        var entry = Assert.Single(state.Merge());
        Assert.Equal(ModelState.Ready, entry.State);
        Assert.Equal(ModelState.OnDemand, Assert.Single(entry.Instances).State);
    }

    [Theory]
    [InlineData(ModelState.Loading, ModelState.OnDemand)]
    [InlineData(ModelState.Unloading, ModelState.OnDemand)]
    [InlineData(ModelState.Ready, ModelState.Ready)]
    [InlineData(ModelState.Unavailable, ModelState.Unavailable)]
    public void What_is_loaded_on_demand_can_be_asked_while_it_comes_and_goes(ModelState instance, ModelState shown)
    {
        var place = Assert.Single(State([Scarce(Published())]).Places);

        var entry = Assert.Single(State([Scarce(Published(), Status(place.Id.Device, instance))]).Merge());

        Assert.Equal([shown], entry.Instances.Select(status => status.State));
        Assert.Equal(shown == ModelState.Unavailable ? ModelState.Unavailable : ModelState.Ready, entry.State);
    }

    [Fact]
    public void Where_room_is_scarce_a_model_is_loaded_on_as_many_devices_as_it_asks_for()
    {
        var published = Published();
        var state = State([Scarce(published with { Descriptor = published.Descriptor! with { MinInstances = 2 } })]);

        Assert.Equal(2, state.FindMissing().Count);
        Assert.All(state.Places, place => Assert.False(place.IsOnDemand));
    }

    [Fact]
    public void Models_that_are_loaded_on_demand_are_spread_over_the_devices_and_stay_where_they_are_when_one_is_added()
    {
        string[] devices = ["a.cpu:0", "a.cpu:1", "a.cpu:2"];
        var models = Enumerable.Range(0, 300).Select(number => Publish($"m{number}")).ToList();
        var before = Place(devices, null);
        var after = Place([.. devices, "a.cpu:3"], before);

        Assert.All(before.GroupBy(place => place.Value[0]), group => Assert.InRange(group.Count(), 90, 110));
        Assert.All(before, place => Assert.True(after[place.Key][0] == place.Value[0] || after[place.Key][0] == "a.cpu:3"));
        Assert.InRange(after.Values.Count(place => place[0] == "a.cpu:3"), 60, 80);

        IReadOnlyDictionary<ModelId, IReadOnlyList<string>> Place(string[] devices, IReadOnlyDictionary<ModelId, IReadOnlyList<string>>? placement) =>
            new CatalogState([new() { Silo = "a", Devices = devices, Models = models, Instances = [], LoadsOnDemand = true }], new(), placement).Placement;
    }

    [Fact]
    public void What_was_loaded_on_demand_is_left_alone_though_another_device_is_its_place()
    {
        var report = Scarce(Published(), Status("a.cpu:1", ModelState.Ready));

        Assert.Empty(new CatalogState([report], new(), Placed("a.cpu:0")).FindSurplus());
    }

    [Fact]
    public void A_model_is_loaded_on_as_many_devices_as_it_asks_for_and_on_different_silos_first()
    {
        var two = Replicated(2);
        var reports = new[] { Report("a", ["a.cpu:0", "a.cpu:1"], two), Report("b", ["b.cpu:0"], two) };

        Assert.Equal(["a", "b"], State(reports).FindMissing().Select(instance => ModelInstanceId.SiloOf(instance.Device)).Order());
    }

    [Fact]
    public void Where_its_silo_is_lost_a_replica_is_made_elsewhere_and_the_others_stay()
    {
        var two = Replicated(2);
        var reports = new[] { Report("b", ["b.cpu:0"], two, Status("b.cpu:0", ModelState.Ready)), Report("c", ["c.cpu:0"], two) };

        Assert.Equal(["c.cpu:0"], new CatalogState(reports, new(), Placed("a.cpu:0", "b.cpu:0")).FindMissing().Select(instance => instance.Device));
    }

    [Fact]
    public void What_a_draining_silo_has_is_loaded_elsewhere_first_and_leaves_then()
    {
        var two = Replicated(1);
        var draining = Draining("a", "a.cpu:0", ModelState.Ready, two);
        CatalogState With(params ModelInstanceStatus[] there) => State([draining, Report("b", ["b.cpu:0"], two, there)]);

        Assert.Equal(["b.cpu:0"], With().FindMissing().Select(instance => instance.Device));
        Assert.Empty(With(Status("b.cpu:0", ModelState.Loading)).FindSurplus());
        Assert.False(With(Status("b.cpu:0", ModelState.Loading)).IsDrained("a"));
        Assert.Equal(["a.cpu:0"], With(Status("b.cpu:0", ModelState.Ready)).FindSurplus().Select(instance => instance.Device));
        Assert.True(State([draining with { Instances = [] }, Report("b", ["b.cpu:0"], two, Status("b.cpu:0", ModelState.Ready))]).IsDrained("a"));
    }

    [Fact]
    public void What_cannot_be_loaded_elsewhere_does_not_keep_a_silo_from_leaving()
    {
        var state = State([Draining("a", "a.cpu:0", ModelState.Ready), Report("b", ["b.cpu:0"], Published(), Status("b.cpu:0", ModelState.Unavailable))]);

        Assert.Empty(state.FindSurplus());
        Assert.True(state.IsDrained("a"));
    }

    [Fact]
    public void A_replica_that_moves_stays_until_its_successor_answers_though_another_version_is_beside_it()
    {
        var one = Replicated(1);
        var two = Replicated(1) with { Id = new("m", 2), Descriptor = one.Descriptor! with { Id = new("m", 2) } };
        SiloReport[] Reports(ModelState successor) =>
        [
            Report("a", ["a.cpu:0"], one, Status("a.cpu:0", successor)) with { Models = [one, two] },
            Report("b", ["b.cpu:0"], one, Status("b.cpu:0", ModelState.Ready), new ModelInstanceStatus(new(new("m", 2), "b.cpu:0"), ModelState.Ready)) with { Models = [one, two] },
        ];
        var moved = new Dictionary<ModelId, IReadOnlyList<string>> { [Model] = ["a.cpu:0"], [new("m", 2)] = ["b.cpu:0"] };

        Assert.Empty(new CatalogState(Reports(ModelState.Loading), new(), moved).FindSurplus());
        Assert.Empty(new CatalogState(Reports(ModelState.Unavailable), new(), moved).FindSurplus());
        Assert.Equal(["b.cpu:0"], new CatalogState(Reports(ModelState.Ready), new(), moved).FindSurplus().Select(instance => instance.Device));
    }

    [Fact]
    public void What_has_nowhere_to_go_answers_on_and_keeps_nobody_waiting()
    {
        var state = State([Draining("a", "a.cpu:0", ModelState.Ready)]);

        Assert.Empty(state.FindSurplus());
        Assert.True(state.IsDrained("a"));
        Assert.Equal(ModelState.Ready, Assert.Single(state.Merge()).State);
    }

    [Fact]
    public void A_model_that_was_scaled_to_none_is_ready_on_one_device_on_demand()
    {
        var idle = Published() with { Descriptor = Published().Descriptor! with { Autoscaling = new(0, 2) } };
        var state = new CatalogState(
            [Report("a", ["a.cpu:0"], idle), Report("b", ["b.cpu:0"], idle)], new(), null, new Dictionary<ModelId, int> { [Model] = 0 });

        Assert.Empty(state.FindMissing());
        Assert.Equal(ModelState.OnDemand, Assert.Single(Assert.Single(state.Merge()).Instances).State);
    }

    [Fact]
    public void The_cluster_is_its_silos_with_what_is_on_their_devices()
    {
        var instance = Status("a.cpu:0", ModelState.Ready);
        var report = Report("a", ["a.cpu:0", "a.cuda:1"], Published(), instance) with
        {
            Memory = [new(100, 10), new(200, 0)],
            Loads = [new(instance.Id, QueueDepth: 3, 0, 0, 0)],
        };

        var cluster = State([Draining("b", "b.cpu:0", ModelState.Loading), report]).Describe();

        Assert.Equal([("a", SiloState.Active), ("b", SiloState.Draining)], cluster.Silos.Select(silo => (silo.Name, silo.State)));
        Assert.Equal([("a.cpu:0", "cpu", 100L), ("a.cuda:1", "cuda", 200L)], cluster.Silos[0].Devices.Select(device => (device.Name, device.Kind, device.Memory.TotalBytes)));
        Assert.Equal(new DeviceModel(Model, ModelState.Ready, 3), Assert.Single(cluster.Silos[0].Devices[0].Models));
    }

    private static SiloReport Draining(string silo, string device, ModelState state, ModelPublication? publication = null) =>
        Report(silo, [device], publication ?? Published(), Status(device, state)) with { IsDraining = true };

    private static ModelPublication Replicated(int replicas) =>
        Published() with { Descriptor = Published().Descriptor! with { Replicas = replicas } };

    private static Dictionary<ModelId, IReadOnlyList<string>> Placed(params string[] devices) => new() { [Model] = devices };

    private static SiloReport Scarce(ModelPublication publication, params ModelInstanceStatus[] instances) =>
        Report("a", ["a.cpu:0", "a.cpu:1", "a.cpu:2"], publication, instances) with { LoadsOnDemand = true };

    private static ModelPublication Publish(string name) =>
        Published() with { Id = new(name, 1), Descriptor = Published().Descriptor! with { Id = new(name, 1) } };

    private static CatalogState State(IReadOnlyCollection<SiloReport> reports, params string[] unloaded) => new(reports, new() { Unloaded = [.. unloaded] });

    private static SiloReport Report(string silo, string[] devices, ModelPublication publication, params ModelInstanceStatus[] instances) =>
        new() { Silo = silo, Devices = devices, Models = [publication], Instances = instances };

    private static ModelInstanceStatus Status(string device, ModelState state) => new(new(Model, device), state);

    private static ModelPublication Published(params string[] kinds) => new(
        Model,
        new() { Id = Model, Platform = "", MaxBatchSize = 0, Inputs = [], Outputs = [], Configuration = "{}", DeviceKinds = kinds },
        "");
}
