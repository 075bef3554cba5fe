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
    /// <summary>Runs the samples of the configuration; without any, zeros of one row, and of a full batch where the model batches.</summary>
    /// <returns>Why zeros could not be run where open dimensions had to be guessed; null where they were.</returns>
    /// <exception cref="InferenceException">The model fails on a sample, or on zeros of exactly the shape that it is declared for.</exception>
    public static string? Run(IModelInstance instance, ModelVersion version)
    {
        var network = version.Network;
        if (version.Config.Warmup.Count > 0)
        {
            foreach (var sample in version.Config.Warmup) Run(instance, version, sample);
            return null;
        }

        try
        {
            for (var pass = 0; pass < WarmupReader.DefaultCount; pass++) instance.Run([Zeros(network, 1)]);
            // What keeps state may well expect as many rows as before.
            var isFullRun = network.MaxBatchSize > 1 && !version.Config.IsStateful;
            for (var pass = 0; pass < WarmupReader.DefaultCount && isFullRun; pass++) instance.Run([Zeros(network, network.MaxBatchSize)]);
            return null;
        }
        catch (InferenceException exception) when (network.Inputs.Any(HasOpenDimension))
        {
            return exception.Message;
        }

        bool HasOpenDimension(TensorSignature input) =>
            input.AnyRank || input.Shape.Skip(network.MaxBatchSize > 0 ? 1 : 0).Any(dimension => dimension < 0);
    }

    private static void Run(IModelInstance instance, ModelVersion version, WarmupSample sample)
    {
        try
        {
            var folder = Path.Combine(version.ModelFolder, WarmupReader.Folder);
            InferenceTensor[] item = [.. version.Network.Inputs.Select(input =>
                WarmupTensor.Create(sample.Inputs.First(given => given.Name == input.Name), version.Network.MaxBatchSize > 0 ? sample.BatchSize : null, folder))];
            for (var pass = 0; pass < sample.Count; pass++) instance.Run([item]);
        }
        catch (Exception exception) when (exception is InferenceException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InferenceException(InferenceError.NotReady, $"{WarmupReader.Field} '{sample.Name}' failed: {exception.Message}", exception);
        }
    }

    private static InferenceTensor[] Zeros(ModelSignature network, int rows) =>
    [
        .. network.Inputs.Select(input =>
        {
            var shape = input.Shape.Select(dimension => dimension < 0 ? 1 : dimension).ToArray();
            if (network.MaxBatchSize > 0) shape[0] = rows;
            return WarmupTensor.Zeros(input.Name, input.DataType, shape);
        }),
    ];
}
