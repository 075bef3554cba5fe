using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Batching;

/// <summary>What queueing, batching and answering allocate, beside the caller's inputs and the model's outputs.</summary>
public sealed class AllocationTests
{
    private const int Requests = 2_000;

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public async Task A_request_that_can_be_cancelled_allocates_no_more_than_400_bytes(int maxBatchSize)
    {
        await using var harness = new BatcherHarness(maxBatchSize, maxQueueSize: Requests);
        var model = new EchoModel();
        var batcher = harness.AddModel(model);
        using var gate = new SemaphoreSlim(0);
        await MeasureAsync();

        var allocated = await MeasureAsync();

        Assert.InRange(allocated / Requests, 1, 400);

        async Task<long> MeasureAsync()
        {
            var inputs = BatcherHarness.Input(1);
            var deadline = harness.Time.GetUtcNow().AddSeconds(30);
            var answers = new ValueTask<InferenceTensor[]>[Requests];
            var callers = answers.Select(_ => new CancellationTokenSource()).ToArray();
            // Commands go before batches, so that all requests wait until this one ends.
            var device = harness.Device.InvokeAsync(() =>
            {
                gate.Wait(TestContext.Current.CancellationToken);
                return GC.GetAllocatedBytesForCurrentThread();
            });
            var ofCaller = Enqueue();
            model.Allocated = 0;
            gate.Release();
            foreach (var answer in answers) Assert.Same(inputs, await answer);
            foreach (var caller in callers) caller.Dispose();
            return ofCaller + await harness.Device.InvokeAsync(GC.GetAllocatedBytesForCurrentThread) - await device - model.Allocated;

            long Enqueue()
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < Requests; i++) answers[i] = batcher.EnqueueAsync(inputs, 1, 0, false, deadline, callers[i].Token);
                return GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }
    }

    /// <summary>Returns its inputs, and counts what that costs.</summary>
    private sealed class EchoModel : IModelInstance
    {
        public long Allocated { get; set; }

        public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var result = new BatchResult([.. items], default, default, default);
            Allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            return result;
        }

        public void Dispose()
        {
        }
    }
}
