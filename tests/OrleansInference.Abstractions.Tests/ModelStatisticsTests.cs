namespace OrleansInference.Abstractions.Tests;

public sealed class ModelStatisticsTests
{
    [Fact]
    public void The_sum_of_two_devices_adds_counts_and_joins_batch_sizes()
    {
        var early = DateTimeOffset.UnixEpoch;
        var left = new ModelStatistics
        {
            LastInference = early,
            InferenceCount = 5,
            ExecutionCount = 2,
            Success = new(3, 300),
            Batches = [new(1, new(1, 1), new(1, 10), new(1, 2)), new(4, new(1, 1), new(1, 20), new(1, 2))],
            QueueDepth = 2,
            Reasons = new(Full: 1, Idle: 1, Delay: 0, Deadline: 0),
        };
        var right = new ModelStatistics
        {
            LastInference = early.AddSeconds(1),
            InferenceCount = 4,
            ExecutionCount = 1,
            Success = new(1, 100),
            Batches = [new(4, new(1, 1), new(1, 30), new(1, 2))],
            QueueDepth = 1,
            Reasons = new(Full: 1, Idle: 2, Delay: 3, Deadline: 4),
        };

        var sum = left.Add(right);

        Assert.Equal(early.AddSeconds(1), sum.LastInference);
        Assert.Equal(9, sum.InferenceCount);
        Assert.Equal(3, sum.ExecutionCount);
        Assert.Equal(new DurationStatistics(4, 400), sum.Success);
        Assert.Equal([1, 4], sum.Batches.Select(batch => batch.BatchSize));
        Assert.Equal(new DurationStatistics(2, 50), sum.Batches[1].ComputeInfer);
        Assert.Equal(3, sum.QueueDepth);
        Assert.Equal(new(Full: 2, Idle: 3, Delay: 3, Deadline: 4), sum.Reasons);
    }

    [Fact]
    public void A_device_that_has_done_nothing_changes_nothing()
    {
        var busy = new ModelStatistics { LastInference = DateTimeOffset.UnixEpoch, InferenceCount = 1 };

        Assert.Equal(DateTimeOffset.UnixEpoch, busy.Add(new()).LastInference);
        Assert.Equal(DateTimeOffset.UnixEpoch, new ModelStatistics().Add(busy).LastInference);
    }
}
