using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>A network that takes numbers and a mask, and gives each number's double and the sum of those that the mask lets through.</summary>
[Collection("torch")]
public sealed class PaddedNetworkTests : IAsyncDisposable
{
    private const string Network =
        """
        def forward(self, X: Tensor, MASK: Tensor) -> Tuple[Tensor, Tensor]:
          seen = torch.mul(X, MASK)
          return (torch.mul(X, 2), torch.sum(seen, [1], True))
        """;

    private const string Config =
        """
        {
          "max_batch_size": 8,
          "input": [{"name": "X", "data_type": "TYPE_FP32", "dims": [-1]}, {"name": "MASK", "data_type": "TYPE_FP32", "dims": [-1]}],
          "output": [{"name": "TWICE", "data_type": "TYPE_FP32", "dims": [-1]}, {"name": "SUM", "data_type": "TYPE_FP32", "dims": [1]}],
          "dynamic_batching": {
            "padding": [
              {"input": "X", "axis": 1, "value": 99, "buckets": [4, 8], "outputs": [{"output": "TWICE", "axis": 1}]},
              {"input": "MASK", "axis": 1, "buckets": [4, 8]}
            ]
          }
        }
        """;

    private static readonly Device Cpu = new("test.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly TemporaryFolder _repository = new();
    private readonly TorchRuntime _runtime = new();
    private readonly DeviceThread _device;

    public PaddedNetworkTests() => _device = new(Cpu, TimeProvider.System, NullLogger.Instance, () => _runtime.InitializeThread(Cpu));

    public async ValueTask DisposeAsync()
    {
        await _device.DisposeAsync();
        _repository.Dispose();
    }

    [Fact]
    public async Task Rows_of_unlike_lengths_share_a_pass_and_are_answered_as_if_alone()
    {
        TorchScriptArchive.Write(Path.Combine(_repository.Path, "sum", "1", "model.pt"), Network);
        _repository.Write("sum/config.json", Config);
        var version = ModelFolderReader.Open(Path.Combine(_repository.Path, "sum"), 1);
        var instance = await _device.InvokeAsync(() => _runtime.Load(version, Cpu));
        await using var model = new LoadedModel(
            version,
            instance,
            new() { MaxBatchSize = 8, DefaultPolicy = new(100), Padding = new Padding(version.Config.Batching.Padding, version.Network) },
            _device,
            NullLogger.Instance);
        using var gate = new SemaphoreSlim(0);
        var held = _device.InvokeAsync(() => gate.Wait(TimeSpan.FromSeconds(30)));
        float[][] rows = [[1], [1, 2, 3], [1, 2, 3, 4]];

        var requests = rows.Select(row => model.InferAsync(Request(row), default)).ToArray();
        gate.Release();
        var answers = await Task.WhenAll(requests);

        Assert.True(await held);
        Assert.Equal([[2], [2, 4, 6], [2, 4, 6, 8]], answers.Select(answer => answer["TWICE"].ToArray<float>()));
        Assert.Equal([1, 6, 10], answers.Select(answer => answer["SUM"].ToArray<float>()[0]));
        Assert.Equal(1, model.GetStatistics().ExecutionCount);
    }

    private static InferenceRequest Request(float[] row) => new()
    {
        Model = "sum",
        Inputs = [InferenceTensor.Create("X", row, 1, row.Length), InferenceTensor.Create("MASK", row.Select(_ => 1f).ToArray(), 1, row.Length)],
    };
}
