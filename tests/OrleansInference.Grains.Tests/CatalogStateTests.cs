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

        Assert.Equal(["a.cuda:0"], CatalogState.FindMissing(reports).Select(instance => instance.Device));
    }

    [Fact]
    public void A_model_bound_to_one_gpu_is_wanted_on_that_one_only()
    {
        var report = Report("a", ["a.cuda:1", "a.cuda:10"], Published("cuda:1"));

        Assert.Equal(["a.cuda:1"], CatalogState.FindMissing([report]).Select(instance => instance.Device));
    }

    [Fact]
    public void A_broken_model_is_wanted_nowhere()
    {
        var report = Report("a", ["a.cpu:0"], new ModelPublication(Model, null, "config.json: is broken"));

        Assert.Empty(CatalogState.FindMissing([report]));
        var entry = Assert.Single(CatalogState.Merge([report]));
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

        Assert.Equal(expected, Assert.Single(CatalogState.Merge(reports)).State);
    }

    [Fact]
    public void A_model_that_no_device_of_the_cluster_may_hold_says_which_it_needs()
    {
        var entry = Assert.Single(CatalogState.Merge([Report("a", ["a.cpu:0"], Published("cuda"))]));

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

        Assert.Equal(ModelState.Ready, Assert.Single(CatalogState.Merge(reports)).State);
    }

    private static SiloReport Report(string silo, string[] devices, ModelPublication publication, params ModelInstanceStatus[] instances) =>
        new() { Silo = silo, Devices = devices, Models = [publication], Instances = instances };

    private static ModelInstanceStatus Status(string device, ModelState state) => new(new(Model, device), state);

    private static ModelPublication Published(params string[] kinds) => new(
        Model,
        new() { Id = Model, Platform = "", MaxBatchSize = 0, Inputs = [], Outputs = [], Configuration = "{}", DeviceKinds = kinds },
        "");
}
