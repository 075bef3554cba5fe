using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine;

/// <summary>
/// The forward passes before a model is ready. TorchScript observes its first pass and compiles in its second, so that callers would
/// wait a hundred times longer for those than for any later one.
/// </summary>
internal static class Warmup
{
    private const int Passes = 3;

    /// <summary>Runs zeros of one row, and of a full batch where the model batches.</summary>
    /// <returns>Why zeros could not be run where open dimensions had to be guessed; null where they were.</returns>
    /// <exception cref="InferenceException">The model fails on zeros of exactly the shape that it is declared for.</exception>
    public static string? Run(IModelInstance instance, ModelVersion version)
    {
        var network = version.Network;
        try
        {
            for (var pass = 0; pass < Passes; pass++) instance.Run([Zeros(network, 1)]);
            for (var pass = 0; pass < Passes && network.MaxBatchSize > 1; pass++) instance.Run([Zeros(network, network.MaxBatchSize)]);
            return null;
        }
        catch (InferenceException exception) when (network.Inputs.Any(HasOpenDimension))
        {
            return exception.Message;
        }

        bool HasOpenDimension(TensorSignature input) =>
            input.AnyRank || input.Shape.Skip(network.MaxBatchSize > 0 ? 1 : 0).Any(dimension => dimension < 0);
    }

    private static InferenceTensor[] Zeros(ModelSignature network, int rows) =>
    [
        .. network.Inputs.Select(input =>
        {
            var shape = input.Shape.Select(dimension => dimension < 0 ? 1 : dimension).ToArray();
            if (network.MaxBatchSize > 0) shape[0] = rows;
            TensorShape.TryGetElementCount(shape, out var count);
            // Of strings all are empty.
            var size = input.DataType == DataType.Bytes ? BytesElements.PrefixSize : input.DataType.ElementSize();
            return new InferenceTensor(input.Name, input.DataType, shape, new byte[count * size]);
        }),
    ];
}
