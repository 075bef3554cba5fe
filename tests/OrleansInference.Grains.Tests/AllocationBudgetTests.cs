using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.Grains.Tests;

/// <summary>A call crosses threads, so that the bytes of the whole process count: nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(AllocationBudgetTests), DisableParallelization = true)]
[Collection(nameof(AllocationBudgetTests))]
public sealed class AllocationBudgetTests
{
    [Fact]
    public async Task A_call_of_a_models_grain_allocates_no_more_than_its_budget()
    {
        Assert.SkipUnless(HotPiece.IsMeasurable, HotPiece.WhyNotMeasurable);
        await using var pieces = await GrainPieces.StartAsync();

        Assert.InRange(await pieces.Call.MeasureInProcessAsync(), 1, pieces.Call.Budget);
    }
}
