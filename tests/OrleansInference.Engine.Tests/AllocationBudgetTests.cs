using OrleansInference.Benchmarks.Micro.Pieces;

namespace OrleansInference.Engine.Tests;

/// <summary>Makes tensors, which other tests count, and so runs apart from them.</summary>
[CollectionDefinition(nameof(AllocationBudgetTests), DisableParallelization = true)]
[Collection(nameof(AllocationBudgetTests))]
public sealed class AllocationBudgetTests : IAsyncLifetime
{
    private const string Config =
        """
        {"max_batch_size": 64, "input": [{"name": "INPUT0", "data_type": "TYPE_FP32", "dims": [784]}],
         "output": [{"name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [784]}]}
        """;

    private readonly TemporaryFolder _repository = new();
    private readonly EnginePieces _pieces;

    public AllocationBudgetTests()
    {
        _repository.Write("echo/config.json", Config);
        TorchScriptArchive.Write(Path.Combine(_repository.Path, "echo", "1", "model.pt"), "def forward(self, INPUT0: Tensor) -> Tensor:\n  return INPUT0\n");
        _pieces = new(Path.Combine(_repository.Path, "echo"));
    }

    public async ValueTask InitializeAsync() => await _pieces.HeldAsync();

    public async ValueTask DisposeAsync()
    {
        await _pieces.DisposeAsync();
        _repository.Dispose();
    }

    [Fact]
    public void A_batch_on_its_way_to_the_network_and_back_allocates_no_more_than_its_budget()
    {
        Assert.SkipUnless(HotPiece.IsMeasurable, HotPiece.WhyNotMeasurable);

        Assert.All(_pieces.All, piece => Assert.InRange(piece.MeasureOnThisThread(), 1, piece.Budget));
    }
}
