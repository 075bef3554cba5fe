using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class DeviceChooserTests
{
    [Fact]
    public void A_busy_device_gets_less_than_its_share()
    {
        var chooser = new DeviceChooser(new Random(1));
        var model = Model("m", devices: ["busy", "idle"]);
        using var outstanding = chooser.Count("busy");

        var chosen = Enumerable.Range(0, 1000).Select(_ => Choose(chooser, model)).CountBy(device => device).ToDictionary();

        // Both of two random choices fall on the busy one in a quarter of all cases.
        Assert.InRange(chosen["busy"], 200, 300);
    }

    [Fact]
    public void Work_that_has_ended_no_longer_counts()
    {
        var chooser = new DeviceChooser(new Random(1));
        var model = Model("m", devices: ["a", "b"]);
        chooser.Count("a").Dispose();

        var chosen = Enumerable.Range(0, 1000).Select(_ => Choose(chooser, model)).CountBy(device => device).ToDictionary();

        Assert.InRange(chosen["a"], 400, 600);
    }

    [Fact]
    public void Neither_the_excluded_device_nor_one_that_is_not_ready_is_chosen()
    {
        var chooser = new DeviceChooser();
        var model = Model("m", devices: ["a", "b"]);
        var excluded = new ModelInstanceId(model.Id, "a");

        Assert.True(chooser.TryChoose(model, excluded, out var chosen));
        Assert.Equal("b", chosen.Value.Device);
        Assert.False(chooser.TryChoose(Model("m", devices: ["a"]), excluded, out _));
        Assert.False(chooser.TryChoose(Model("m", state: ModelState.Loading, devices: ["b"]), null, out _));
    }

    private static string Choose(DeviceChooser chooser, ModelEntry model) =>
        chooser.TryChoose(model, null, out var chosen) ? chosen.Value.Device : "none";
}
