using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>The signatures that follow from a model's configuration.</summary>
internal static class ModelSignatures
{
    /// <summary>What callers send and get.</summary>
    public static ModelSignature OfModel(ModelConfig config) => Create(config, config.Inputs, config.Outputs);

    /// <summary>What the network takes and gives: preprocessing replaces inputs, and what postprocessing adds is not there yet.</summary>
    public static ModelSignature OfNetwork(ModelConfig config)
    {
        var replaced = config.Preprocessing.ToDictionary(step => step.Input);
        var added = config.Postprocessing.OfType<LabelStep>().Select(step => step.Output).ToHashSet();
        return Create(
            config,
            config.Inputs.Select(input => replaced.TryGetValue(input.Name, out var step)
                ? new TensorConfig(step.Output, DataType.Float32, step.Shape, [])
                : input),
            config.Outputs.Where(output => !added.Contains(output.Name)));
    }

    private static ModelSignature Create(ModelConfig config, IEnumerable<TensorConfig> inputs, IEnumerable<TensorConfig> outputs) => new(
        config.Name,
        config.MaxBatchSize,
        [.. inputs.Select(tensor => ToSignature(tensor, config.MaxBatchSize))],
        [.. outputs.Select(tensor => ToSignature(tensor, config.MaxBatchSize))]);

    private static TensorSignature ToSignature(TensorConfig tensor, int maxBatchSize) => new()
    {
        Name = tensor.Name,
        DataType = tensor.DataType,
        Shape = maxBatchSize > 0 ? [-1, .. tensor.Dims ?? []] : tensor.Dims ?? [-1],
        AnyRank = tensor.Dims is null,
        Labels = tensor.Labels,
    };
}
