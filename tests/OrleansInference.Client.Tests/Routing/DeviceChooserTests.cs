using Microsoft.Extensions.Time.Testing;

using OrleansInference.Client.Routing;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests.Routing;

public sealed class DeviceChooserTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedLocalModels _local = new();
    private readonly DeviceChooser _chooser;

    public DeviceChooserTests() => _chooser = new(new Random(1), _time, _local);

    [Fact]
    public void The_busiest_device_is_never_chosen_and_others_by_how_busy_they_are()
    {
        var model = Publish(Model("m", devices: ["busier", "busy", "idle"]));
        using var outstanding = _chooser.GetWork("busy").Begin();
        using var more = _chooser.GetWork("busier").Begin();
        using var most = _chooser.GetWork("busier").Begin();

        var chosen = Enumerable.Range(0, 1000).Select(_ => Choose(model)).CountBy(device => device).ToDictionary();

        // Of the three pairs of devices the idle one is in two.
        Assert.InRange(chosen["idle"], 620, 710);
        Assert.Equal(1000, chosen["idle"] + chosen["busy"]);
    }

    [Fact]
    public void Work_that_has_ended_no_longer_counts()
    {
        var model = Publish(Model("m", devices: ["a", "b"]));
        _chooser.GetWork("a").Begin().Dispose();

        var chosen = Enumerable.Range(0, 1000).Select(_ => Choose(model)).CountBy(device => device).ToDictionary();

        Assert.InRange(chosen["a"], 400, 600);
    }

    [Theory]
    [InlineData("a", "b", "c")]
    [InlineData("b", "a", "c")]
    [InlineData("c", "a", "b")]
    public void All_devices_but_the_excluded_one_are_chosen(string excluded, params string[] others)
    {
        var model = Publish(Model("m", devices: ["a", "b", "c"]));
        var lost = model.Ready.Single(replica => replica.Id.Device == excluded);

        var chosen = Enumerable.Range(0, 100).Select(_ => Choose(model, lost)).Distinct().Order();

        Assert.Equal(others, chosen);
    }

    [Fact]
    public void Where_no_device_is_ready_or_only_the_excluded_one_none_is_chosen()
    {
        var model = Publish(Model("m", devices: ["a"]));

        Assert.Equal("none", Choose(model, model.Ready[0]));
        Assert.Equal("none", Choose(Publish(Model("m", state: ModelState.Loading, devices: ["a"]))));
    }

    [Fact]
    public void A_device_that_has_left_the_catalog_excludes_none_of_those_that_are_left()
    {
        var left = Publish(Model("m", devices: ["a"])).Ready[0];
        var model = Publish(Model("m", devices: ["b"]));

        Assert.Equal("b", Choose(model, left));
    }

    [Fact]
    public void Equal_keys_go_to_one_device_and_move_only_when_it_goes()
    {
        var three = Publish(Model("m", devices: ["a", "b", "c"]));
        var two = Publish(Model("m", devices: ["a", "b"]));
        var keys = Enumerable.Range(0, 300).Select(key => $"user {key}").ToList();

        var before = keys.ToDictionary(key => key, key => ChooseFor(three, key));

        Assert.All(keys, key => Assert.Equal(before[key], ChooseFor(three, key)));
        Assert.All(new[] { "a", "b", "c" }, device => Assert.InRange(before.Values.Count(chosen => chosen == device), 60, 140));
        Assert.All(keys.Where(key => before[key] != "c"), key => Assert.Equal(before[key], ChooseFor(two, key)));
    }

    [Fact]
    public void An_idle_device_of_this_process_comes_before_all_others_and_a_busy_one_does_not()
    {
        var model = Publish(Model("m", devices: ["far.cpu:0", "this_process.cpu:0", "farther.cpu:0"]));
        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal("this_process.cpu:0", Choose(model)));

        using var outstanding = _chooser.GetWork("this_process.cpu:0").Begin();

        Assert.DoesNotContain("this_process.cpu:0", Enumerable.Range(0, 20).Select(_ => Choose(model)));
    }

    [Fact]
    public void The_work_of_others_counts_as_the_device_has_told_it_and_for_a_second()
    {
        var model = Publish(Model("m", devices: ["a.cpu:0", "b.cpu:0"]));
        using (var answered = _chooser.GetWork("a.cpu:0").Begin()) answered.Answered(deviceLoad: 5);

        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal("b.cpu:0", Choose(model)));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Contains("a.cpu:0", Enumerable.Range(0, 20).Select(_ => Choose(model)));
    }

    [Fact]
    public void A_silo_that_has_lost_a_call_is_asked_only_where_no_other_can_be()
    {
        var model = Publish(Model("m", devices: ["a.cpu:0", "a.cpu:1", "b.cpu:0"]));
        _chooser.GetWork("a.cpu:1").Silo.RecordLoss(new ScriptedHolder());

        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal("b.cpu:0", Choose(model)));
        Assert.StartsWith("a.", Choose(model, model.Ready[2]), StringComparison.Ordinal);
        Assert.Equal("b.cpu:0", ChooseFor(model, "any"));
    }

    [Fact]
    public void What_is_not_in_the_catalog_any_more_is_forgotten_unless_it_is_still_being_asked()
    {
        _chooser.GetWork("gone.cpu:0").Silo.RecordLoss(new ScriptedHolder());
        _chooser.GetWork("busy.cpu:0").Silo.RecordLoss(new ScriptedHolder());
        using var outstanding = _chooser.GetWork("busy.cpu:0").Begin();

        _chooser.Keep(new HashSet<string>());

        Assert.Equal("busy", Assert.Single(_chooser.Silos).Name);
    }

    private string ChooseFor(PublishedModel model, string key) => _chooser.TryChoose(model, null, key, out var chosen) ? chosen.Id.Device : "none";

    private PublishedModel Publish(ModelEntry model) =>
        new ModelTable(new(default, [model]), id => new(id, null!, _chooser.GetWork(id.Device), _chooser.IsLocal(id.Device))).Find("m", null);

    private string Choose(PublishedModel model, Replica? excluded = null) =>
        _chooser.TryChoose(model, excluded is null ? null : new HashSet<ModelInstanceId> { excluded.Id }, null, out var chosen) ? chosen.Id.Device : "none";

    private sealed class ScriptedHolder : ICallHolder
    {
        public ValueTask<long[]> FindLostAsync(long[] calls) => throw new NotSupportedException();
    }
}
