namespace OrleansInference.Engine.Tests.Batching;

public sealed class OrderingTests
{
    [Fact]
    public async Task Where_order_is_preserved_no_request_passes_one_of_another_shape()
    {
        await using var harness = new BatcherHarness(configure: options => options with { PreserveOrdering = true });
        await harness.OccupyAsync();

        Task[] requests =
        [
            harness.SendAsync(1), harness.SendAsync(2), harness.SendAsync(3, width: 3), harness.SendAsync(4, width: 3), harness.SendAsync(5),
        ];
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [1, 2], [3, 4], [5]], harness.Model.Batches);
    }

    [Fact]
    public async Task Where_order_is_preserved_a_poisoned_batch_is_answered_in_order_too()
    {
        await using var harness = new BatcherHarness(configure: options => options with { PreserveOrdering = true });
        await harness.OccupyAsync();

        Task[] requests = [harness.SendAsync(1), harness.SendAsync(-2), harness.SendAsync(3)];
        harness.Model.Release();
        await Assert.ThrowsAsync<InferenceException>(() => Task.WhenAll(requests));

        Assert.Equal([[0], [1, -2, 3], [1], [-2], [3]], harness.Model.Batches);
    }
}
