using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Tests.Placement;

public sealed class ReplicaScalerTests
{
    private static readonly Autoscaling Limits = new(1, 8)
    {
        TargetOutstanding = 4,
        TargetQueueTime = TimeSpan.FromMilliseconds(100),
        IdleTime = TimeSpan.FromMinutes(5),
    };

    private readonly Dictionary<ModelInstanceId, InstanceLoad> _loads = [];
    private TimeSpan _now;

    [Fact]
    public void There_are_as_many_replicas_as_the_requests_that_are_there_at_a_time_need()
    {
        var scaler = new ReplicaScaler(Limits, 1);

        Run(scaler, Limits, outstanding: 15, seconds: 10);

        Assert.Equal(4, scaler.Replicas); // 15 at a time, 4 for each.
    }

    [Fact]
    public void There_are_never_more_than_the_limit_nor_fewer()
    {
        var scaler = new ReplicaScaler(Limits, 1);

        Run(scaler, Limits, outstanding: 1000, seconds: 60);
        Assert.Equal(8, scaler.Replicas);

        Run(scaler, Limits with { MinReplicas = 2 }, outstanding: 0, seconds: 3600);
        Assert.Equal(2, scaler.Replicas);
    }

    [Fact]
    public void Requests_that_wait_for_too_long_have_one_more_made_every_so_often()
    {
        var scaler = new ReplicaScaler(Limits, 1);

        Run(scaler, Limits, outstanding: 1, seconds: 10, queue: TimeSpan.FromMilliseconds(200));
        Assert.Equal(2, scaler.Replicas);

        Run(scaler, Limits, outstanding: 1, seconds: 20, queue: TimeSpan.FromMilliseconds(200));
        Assert.Equal(3, scaler.Replicas);
    }

    [Fact]
    public void Fewer_are_needed_only_after_a_calm_minute_and_then_one_by_one()
    {
        var scaler = new ReplicaScaler(Limits, 1);
        Run(scaler, Limits, outstanding: 16, seconds: 10);

        Run(scaler, Limits, outstanding: 1, seconds: 55);
        Assert.Equal(4, scaler.Replicas);
        Run(scaler, Limits, outstanding: 1, seconds: 20);
        Assert.Equal(3, scaler.Replicas);
        Run(scaler, Limits, outstanding: 1, seconds: 60);
        Assert.Equal(2, scaler.Replicas);
    }

    [Fact]
    public void A_load_that_goes_up_and_down_changes_nothing()
    {
        var scaler = new ReplicaScaler(Limits, 1);
        Run(scaler, Limits, outstanding: 16, seconds: 10);

        for (var i = 0; i < 20; i++)
        {
            Run(scaler, Limits, outstanding: 1, seconds: 30);
            Run(scaler, Limits, outstanding: 16, seconds: 10);
            Assert.Equal(4, scaler.Replicas);
        }
    }

    [Fact]
    public void Where_that_is_allowed_a_model_that_nobody_asks_for_leaves_its_last_device()
    {
        var limits = Limits with { MinReplicas = 0 };
        var scaler = new ReplicaScaler(limits, 1);
        Run(scaler, limits, outstanding: 1, seconds: 30);

        Run(scaler, limits, outstanding: 0, seconds: 290);
        Assert.Equal(1, scaler.Replicas);
        Run(scaler, limits, outstanding: 0, seconds: 20);

        Assert.Equal(0, scaler.Replicas);
        Assert.Equal(_loads.Keys, scaler.Resting);
        Run(new ReplicaScaler(Limits, 1), Limits, outstanding: 0, seconds: 3600);
    }

    [Fact]
    public void The_first_request_brings_it_back_and_what_has_come_for_it_does_not_rest()
    {
        var limits = Limits with { MinReplicas = 0 };
        var scaler = new ReplicaScaler(limits, 1);
        Run(scaler, limits, outstanding: 0, seconds: 310);
        _loads.Clear();
        Observe(scaler, limits);
        Assert.Equal(0, scaler.Replicas);

        Run(scaler, limits, outstanding: 1, seconds: 5);

        Assert.Equal(1, scaler.Replicas);
        Assert.Empty(scaler.Resting);
    }

    [Fact]
    public void What_has_not_left_is_told_again_when_it_is_looked_at_again()
    {
        var limits = Limits with { MinReplicas = 0 };
        var scaler = new ReplicaScaler(limits, 1);
        Run(scaler, limits, outstanding: 1, seconds: 10);
        Run(scaler, limits, outstanding: 0, seconds: 310);
        Assert.NotEmpty(scaler.Resting);
        Observe(scaler, limits);
        Assert.Empty(scaler.Resting);

        Run(scaler, limits, outstanding: 0, seconds: 5);

        Assert.NotEmpty(scaler.Resting);
    }

    [Fact]
    public void An_instance_that_was_loaded_anew_counts_from_the_start()
    {
        var scaler = new ReplicaScaler(Limits, 1);
        Run(scaler, Limits, outstanding: 1, seconds: 600);
        _loads.Clear();

        Run(scaler, Limits, outstanding: 15, seconds: 5);

        Assert.Equal(4, scaler.Replicas);
    }

    /// <summary>Has requests answered for a while, with a report every five seconds.</summary>
    private void Run(ReplicaScaler scaler, Autoscaling limits, double outstanding, int seconds, TimeSpan queue = default)
    {
        Observe(scaler, limits);
        for (var passed = 0; passed < seconds; passed += 5)
        {
            _now += TimeSpan.FromSeconds(5);
            const int Requests = 100;
            var id = new ModelInstanceId(new("m", 1), "a.cpu:0");
            var before = _loads.GetValueOrDefault(id, new(id, 0, 0, 0, 0));
            _loads[id] = outstanding == 0
                ? before
                : new(id, 0, before.Requests + Requests, before.QueueNanoseconds + (Requests * queue.Ticks * 100), before.TotalNanoseconds + (long)(outstanding * 5e9));
            Observe(scaler, limits);
        }
    }

    private void Observe(ReplicaScaler scaler, Autoscaling limits) => scaler.Observe(limits, _loads.Values, _now);
}
