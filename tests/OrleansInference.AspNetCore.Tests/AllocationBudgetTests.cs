using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.AspNetCore.Tests;

public sealed class AllocationBudgetTests
{
    public static TheoryData<string> Names => [.. ProtocolPieces.All.Select(piece => piece.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Reading_a_request_and_writing_an_answer_allocate_no_more_than_their_budgets(string name)
    {
        Assert.SkipUnless(HotPiece.IsMeasurable, HotPiece.WhyNotMeasurable);
        var piece = ProtocolPieces.All.Single(piece => piece.Name == name);

        Assert.InRange(piece.MeasureOnThisThread(), 1, piece.Budget);
    }
}
