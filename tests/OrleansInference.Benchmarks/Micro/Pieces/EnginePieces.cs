using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;
using OrleansInference.Tensors;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>Forming batches, and bringing them into torch and out of it. All runs on the caller's thread.</summary>
internal sealed class EnginePieces : IAsyncDisposable
{
    private const int Requests = 16;

    private static readonly Device Cpu = new("pieces.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly InferenceTensor[][] _items;
    private readonly DeviceThread _device = new(Cpu, TimeProvider.System, NullLogger.Instance);
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _release = new();
    private readonly Batcher _batcher;
    private readonly IModelInstance _model;

    /// <param name="modelFolder">A model that gives back <c>INPUT0</c>, of 784 FP32 per row, and batches.</param>
    public EnginePieces(string modelFolder)
    {
        var elements = new float[784];
        _items = [.. Enumerable.Range(0, Requests).Select(_ => new[] { InferenceTensor.Create("INPUT0", elements, 1, elements.Length) })];
        _batcher = new(new("echo", 1), new Echo(), new() { MaxBatchSize = 64, DefaultPolicy = new() { MaxQueueSize = 1024 } }, _device, new(TimeProvider.System), NullLogger.Instance);
        var runtime = new TorchRuntime();
        runtime.InitializeThread(Cpu);
        _model = runtime.Load(ModelFolderReader.Open(modelFolder, 1), Cpu);
        // The device's own thread is kept out of it: threads that wake each other would be most of the time.
        _device.InvokeAsync(() =>
        {
            _held.SetResult();
            _release.Wait();
            return true;
        });
    }

    public IReadOnlyList<HotPiece> All =>
    [
        new("form and scatter a batch of 16", AllocationBudgets.FormBatchOf16, FormAndScatter),
        new("torch: gather, forward and scatter 16 x 784 FP32", AllocationBudgets.GatherAndScatter16, Pass),
    ];

    /// <summary>Waits until the device's thread is out of the way.</summary>
    public Task HeldAsync() => _held.Task;

    public async ValueTask DisposeAsync()
    {
        _release.Set();
        await _device.DisposeAsync();
        _release.Dispose();
        _model.Dispose();
    }

    private Task FormAndScatter()
    {
        var last = default(ValueTask<InferenceTensor[]>);
        foreach (var item in _items)
            last = _batcher.EnqueueAsync(item, 1, 0, isAdmitted: false, DateTimeOffset.MaxValue, CancellationToken.None);
        // The gate may be entered again by the thread that holds it, and no other wants it.
        lock (_device.Gate)
        {
            _batcher.TakeBatch_NeedsLock(_device.Now);
            _batcher.Run();
        }

        return last.AsTask();
    }

    private Task Pass()
    {
        _model.Run(_items);
        return Task.CompletedTask;
    }

    /// <summary>Answers at once with what it was given.</summary>
    private sealed class Echo : IModelInstance
    {
        public BatchResult Run(IReadOnlyList<InferenceTensor[]> items) => new([.. items], TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);

        public void Dispose()
        {
        }
    }
}
