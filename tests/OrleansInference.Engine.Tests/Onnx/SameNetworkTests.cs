using OrleansInference.Benchmarks.Models;
using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>One perceptron, with the same weights, in both runtimes. With the tests of torch, which counts its tensors per process.</summary>
[Collection("torch")]
public sealed class SameNetworkTests : IDisposable
{
    private const int Width = 24, Hidden = 40, Classes = 5;

    private const string Config =
        """{"max_batch_size": 32, "input": [{"name":"x","data_type":"TYPE_FP32","dims":[24]}], "output": [{"name":"y","data_type":"TYPE_FP32","dims":[5]}]}""";

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Both_runtimes_agree_in_batches_of_several_requests()
    {
        WriteBoth();
        var runtimes = new ModelRuntimes();
        runtimes.InitializeThread(OnnxRepository.Cpu);
        using var torch = Load(runtimes, "torch");
        using var onnx = Load(runtimes, "onnx");
        var random = new Random(7);

        for (var round = 0; round < 20; round++)
        {
            var items = Enumerable.Range(0, random.Next(1, 5)).Select(_ => new[] { Rows(random, random.Next(1, 8)) }).ToArray();
            var (ones, others) = (torch.Run(items).Outputs, onnx.Run(items).Outputs);
            foreach (var (one, other) in ones.Zip(others))
            {
                Assert.Equal(one[0].Shape.ToArray(), other[0].Shape.ToArray());
                Assert.All(one[0].ToArray<float>().Zip(other[0].ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
            }
        }
    }

    private IModelInstance Load(ModelRuntimes runtimes, string model) =>
        runtimes.Load(ModelFolderReader.Open(Path.Combine(_root.Path, model), 1), OnnxRepository.Cpu);

    private void WriteBoth()
    {
        var random = new Random(6);
        var (w1, b1, w2, b2) = (Numbers(random, Width * Hidden), Numbers(random, Hidden), Numbers(random, Hidden * Classes), Numbers(random, Classes));
        TorchScriptWriter.Write(
            Path.Combine(_root.Path, "torch", "1", "model.pt"),
            """
            def forward(self, x: Tensor) -> Tensor:
              h = torch.relu(torch.add(torch.matmul(x, self.w1), self.b1))
              return torch.add(torch.matmul(h, self.w2), self.b2)
            """,
            [("w1", [Width, Hidden], w1), ("b1", [Hidden], b1), ("w2", [Hidden, Classes], w2), ("b2", [Classes], b2)]);
        _root.Write("torch/config.json", Config);
        OnnxFile.Write(
            Path.Combine(_root.Path, "onnx", "1", "model.onnx"),
            [new("x", OnnxFile.Float, [-1, Width])],
            [new("y", OnnxFile.Float, [-1, Classes])],
            [new("Gemm", ["x", "w1", "b1"], ["g"]), new("Relu", ["g"], ["h"]), new("Gemm", ["h", "w2", "b2"], ["y"])],
            [new("w1", [Width, Hidden], w1), new("b1", [Hidden], b1), new("w2", [Hidden, Classes], w2), new("b2", [Classes], b2)]);
    }

    private static InferenceTensor Rows(Random random, int rows) => InferenceTensor.Create("x", Numbers(random, rows * Width), rows, Width);

    private static float[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
}
