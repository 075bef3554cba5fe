using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>Counts the memory of the whole process, and therefore runs when no other test does.</summary>
[CollectionDefinition(nameof(OnnxMemoryTests), DisableParallelization = true)]
[Collection(nameof(OnnxMemoryTests))]
public sealed class OnnxMemoryTests : IDisposable
{
    private readonly OnnxRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Loading_running_and_unloading_keeps_no_memory()
    {
        const int Width = 64;
        OnnxFile.Write(
            _repository.ModelPath,
            [new("x", OnnxFile.Float, [-1, Width])],
            [new("y", OnnxFile.Float, [-1, Width])],
            [new("MatMul", ["x", "w"], ["y"])],
            [new("w", [Width, Width], new float[Width * Width])]);
        // What is allocated once, and the allocators' reserves, are there by then.
        Cycle(200);
        var before = Environment.WorkingSet;

        Cycle(1000);

        // A session that stays costs about 100 KB.
        const long Allowed = 20 << 20;
        Assert.True(Environment.WorkingSet - before < Allowed, $"{Environment.WorkingSet - before} bytes more after a thousand sessions");

        void Cycle(int times)
        {
            for (var i = 0; i < times; i++)
            {
                using var model = _repository.Load();
                model.Run([[Rows(3)], [Rows(2)]]);
                Assert.Throws<InferenceException>(() => model.Run([[InferenceTensor.Create("x", new float[Width + 1], 1, Width + 1)]]));
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        static InferenceTensor Rows(int rows) => InferenceTensor.Create("x", new float[rows * Width], rows, Width);
    }
}
