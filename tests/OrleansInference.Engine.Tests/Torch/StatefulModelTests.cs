using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>A module that counts its calls in an attribute of its own, and adds their number to what it gets.</summary>
[Collection("torch")]
public sealed class StatefulModelTests : IDisposable
{
    private const string Counter =
        """
        def forward(self: __torch__.Identity, x: Tensor) -> Tensor:
          count = self.count
          self.count = torch.add(count, 1)
          return torch.add(x, self.count)
        """;

    private const string Batching = "\"dynamic_batching\": {\"preferred_batch_size\": [5], \"max_queue_delay_microseconds\": 60000000}";

    private readonly TorchRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData("", true)]
    [InlineData(", \"stateful\": true", true)]
    [InlineData(", \"stateful\": false", false)]
    public void It_is_recognized_unless_the_configuration_says_otherwise(string field, bool isStateful)
    {
        Write(field);

        var version = _repository.Open();

        Assert.Equal((isStateful, isStateful), (version.Config.IsStateful, version.Descriptor.IsStateful));
        Assert.Equal(isStateful, version.Config.Json.Contains("\"stateful\":true", StringComparison.Ordinal));
    }

    [Fact]
    public void A_module_that_keeps_nothing_may_be_declared_to()
    {
        _repository.Write("def forward(self, x: Tensor) -> Tensor:\n  return x");
        _repository.Configure("x FP32 [1]", "y FP32 [1]", maxBatchSize: 4, more: ", \"stateful\": true");

        Assert.True(_repository.Open().Config.IsStateful);
    }

    [Fact]
    public async Task Calls_are_never_batched_and_the_warm_up_leaves_no_traces()
    {
        Write("");

        var (numbers, passes) = await AskAsync(requests: 5, rows: 2);

        // Each request is a call of its own, in which all of its rows are.
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4, 5, 5], numbers.Order());
        Assert.Equal(5, passes);
    }

    [Fact]
    public async Task What_is_declared_to_keep_nothing_is_warmed_up_and_batched()
    {
        Write(", \"stateful\": false");

        var (numbers, passes) = await AskAsync(requests: 5, rows: 1);

        Assert.Equal(1, passes);
        Assert.All(numbers, number => Assert.True(number > 1));
    }

    [Fact]
    public void The_process_that_verifies_runs_one_row_at_a_time()
    {
        Write("");
        using var model = _repository.Load();

        Assert.Null(Warmup.Run(model, _repository.Open()));

        Assert.Equal([4f], model.Run([[InferenceTensor.Create("x", new[] { 0f }, 1, 1)]]).Outputs[0][0].ToArray<float>());
    }

    private void Write(string field)
    {
        _repository.Write(Counter, counters: ["count"]);
        _repository.Configure("x FP32 [1]", "y FP32 [1]", maxBatchSize: 16, more: $", {Batching}{field}");
    }

    /// <summary>Sends zeros in requests of which five rows make a batch, for which the device waits.</summary>
    private async Task<(List<float> Numbers, long Passes)> AskAsync(int requests, int rows)
    {
        var device = TorchRepository.Cpu;
        await using var engine = new InferenceEngine(
            [device], new ModelRuntimes(), new TrustingVerifier(), quarantine: null, new(), TimeProvider.System, NullLogger<InferenceEngine>.Instance);
        await using var model = await engine.LoadAsync(_repository.Open(), device.Name, leave: null, TestContext.Current.CancellationToken);
        var answers = Enumerable.Range(0, requests).Select(_ => model.InferAsync(
            new() { Model = "model", Inputs = [InferenceTensor.Create("x", new float[rows], rows, 1)] }, TestContext.Current.CancellationToken));
        var numbers = (await Task.WhenAll(answers.ToArray())).SelectMany(answer => answer["y"].ToArray<float>()).ToList();
        return (numbers, model.GetStatistics().ExecutionCount);
    }

    private sealed class TrustingVerifier : IModelVerifier
    {
        public Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken) =>
            Task.FromResult(ModelVerification.Sound(1));
    }
}
