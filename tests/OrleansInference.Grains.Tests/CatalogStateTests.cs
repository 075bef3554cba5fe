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
    [InlineData(ModelState.Unavailable, 1)]
    public void A_version_that_is_no_longer_published_stays_until_the_one_in_its_place_is_settled(ModelState? successor, int leaving)
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

    private static CatalogState State(IReadOnlyCollection<SiloReport> reports, params string[] unloaded) => new(reports, unloaded.ToHashSet());

    private static SiloReport Report(string silo, string[] devices, ModelPublication publication, params ModelInstanceStatus[] instances) =>
        new() { Silo = silo, Devices = devices, Models = [publication], Instances = instances };

    private static ModelInstanceStatus Status(string device, ModelState state) => new(new(Model, device), state);

    private static ModelPublication Published(params string[] kinds) => new(
        Model,
        new() { Id = Model, Platform = "", MaxBatchSize = 0, Inputs = [], Outputs = [], Configuration = "{}", DeviceKinds = kinds },
        "");
}
