using Microsoft.Extensions.DependencyInjection;

using Orleans.Serialization;

using OrleansInference.Tensors;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>What a request costs on the way to another process, there and back into an object.</summary>
internal static class SerializerPieces
{
    public static IReadOnlyList<HotPiece> All { get; } =
    [
        new("serialize and read request, 3 KB", AllocationBudgets.Serialize3Kilobytes, RoundTrip(784)),
        new("serialize and read request, 600 KB", AllocationBudgets.Serialize600Kilobytes, RoundTrip(3 * 224 * 224)),
    ];

    private static Func<Task> RoundTrip(int elements)
    {
        var serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer<InferenceRequest>>();
        var request = new InferenceRequest
        {
            Model = "mlp",
            Inputs = [InferenceTensor.Create("INPUT0", new float[elements], 1, elements)],
            Deadline = DateTimeOffset.UnixEpoch,
        };
        // As on a connection: bytes that are there, in one piece.
        var buffer = new byte[(elements * sizeof(float)) + 1024];
        return () =>
        {
            serializer.Deserialize(buffer.AsMemory(0, serializer.Serialize(request, buffer)));
            return Task.CompletedTask;
        };
    }
}
