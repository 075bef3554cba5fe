using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.Abstractions.Tests;

public sealed class AllocationBudgetTests
{
    public static TheoryData<string> Names => [.. SerializerPieces.All.Select(piece => piece.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_request_on_its_way_to_another_process_allocates_no_more_than_its_budget(string name)
    {
        Assert.SkipUnless(HotPiece.IsMeasurable, HotPiece.WhyNotMeasurable);
        var piece = SerializerPieces.All.Single(piece => piece.Name == name);

        Assert.InRange(piece.MeasureOnThisThread(), 1, piece.Budget);
    }
}
