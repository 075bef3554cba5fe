using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Batching;

/// <summary>A batcher with a scripted model on a real device thread, in fake time.</summary>
internal sealed class BatcherHarness : IAsyncDisposable
{
    public BatcherHarness(
        int maxBatchSize = 8,
        int[]? preferred = null,
        int delayMilliseconds = 0,
        int maxQueueSize = 100,
        int priorityLevels = 0,
        QueuePolicy? policy = null,
        Func<BatchingOptions, BatchingOptions>? configure = null)
    {
        Device = new(new("test.cpu:0", DeviceKind.Cpu, 0, 1), Time, NullLogger.Instance);
        Options = new()
        {
            MaxBatchSize = maxBatchSize,
            PreferredBatchSizes = preferred ?? [],
            MaxQueueDelay = TimeSpan.FromMilliseconds(delayMilliseconds),
            PriorityLevels = priorityLevels,
            DefaultPriority = (priorityLevels + 1) / 2,
            DefaultPolicy = policy ?? new(maxQueueSize),
        };
        if (configure is not null) Options = configure(Options);
        Batcher = AddModel(Model, Statistics);
    }

    public FakeTimeProvider Time { get; } = new();

    public DeviceThread Device { get; }

    public BatchingOptions Options { get; }

    public ScriptedModel Model { get; } = new();

    public StatisticsRecorder Statistics => field ??= new(Time);

    public Batcher Batcher { get; }

    public Batcher AddModel(IModelInstance model, StatisticsRecorder? statistics = null) =>
        new(new("scripted", 1), model, Options, Device, statistics ?? new(Time), NullLogger.Instance);

    /// <summary>Queues a request of some rows, each of which holds the same number.</summary>
    public Task<InferenceTensor[]> SendAsync(
        int value, int rows = 1, int width = 1, int priority = 0, bool isAdmitted = false, DateTimeOffset? deadline = null, CancellationToken cancellationToken = default) =>
        Batcher.EnqueueAsync(Input(value, rows, width), rows, priority, isAdmitted, deadline, cancellationToken).AsTask();

    public static InferenceTensor[] Input(int value, int rows = 1, int width = 1) =>
        [InferenceTensor.Create("x", Enumerable.Repeat(value, rows * width).ToArray(), rows, width)];

    /// <summary>The number that a request was sent with, and that its answer must hold.</summary>
    public static int ValueOf(InferenceTensor[] outputs) => outputs[0].AsSpan<int>()[0];

    /// <summary>Occupies the device, so that what is sent meanwhile gathers. The returned task is that first request's.</summary>
    public async Task<Task> OccupyAsync()
    {
        Model.Gated = true;
        var first = SendAsync(0);
        await Model.StartedAsync();
        Model.Gated = false;
        return first;
    }

    /// <summary>Has forward passes take some time, and lets the batcher learn it.</summary>
    public async Task LearnAsync(double millisecondsPerPass, double millisecondsPerRow)
    {
        Model.Work = rows => Time.Advance(TimeSpan.FromMilliseconds(millisecondsPerPass + (millisecondsPerRow * rows)));
        for (var pass = 0; pass < LatencyModel.MinPasses; pass++)
        {
            // A deadline within the delay is not waited for.
            DateTimeOffset? deadline = Options.MaxQueueDelay > TimeSpan.Zero ? Time.GetUtcNow() + Options.MaxQueueDelay : null;
            await SendAsync(7, rows: pass % 2 == 0 ? 1 : Options.MaxBatchSize, deadline: deadline);
        }

        // The last pass is taken in behind its answer, and before whatever the thread does next.
        await Device.InvokeAsync(() => true);
        lock (Model.Batches) Model.Batches.Clear();
    }

    /// <summary>How long the batcher would still wait for more rows.</summary>
    public TimeSpan RemainingDelay()
    {
        lock (Device.Gate) return Batcher.GetRemainingDelay_NeedsLock(Device.Now);
    }

    public ValueTask DisposeAsync() => Device.DisposeAsync();
}
