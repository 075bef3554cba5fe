using OrleansInference.Engine.Processing;

namespace OrleansInference.Engine.Repository;

/// <summary>The signatures that follow from a model's configuration.</summary>
public static class ModelSignatures
{
    /// <summary>What callers send and get.</summary>
    public static ModelSignature OfModel(ModelConfig config) => Create(config, config.Inputs, config.Outputs);

    /// <summary>What the network takes and gives: preprocessing replaces inputs, and what postprocessing adds is not there yet.</summary>
    public static ModelSignature OfNetwork(ModelConfig config)
    {
        var added = config.Postprocessing.SelectMany(step => step.Added).ToHashSet();
        return Create(config, Replace(config.Inputs, config.Preprocessing), config.Outputs.Where(output => !added.Contains(output.Name)));
    }

    /// <summary>What the network's file takes and gives: the network's tensors, some of them in other shapes.</summary>
    public static ModelSignature OfFile(ModelConfig config, ModelSignature network)
    {
        return new(network.Model, network.MaxBatchSize, Reshape(network.Inputs, config.Inputs), Reshape(network.Outputs, config.Outputs));

        IReadOnlyList<TensorSignature> Reshape(IReadOnlyList<TensorSignature> tensors, IReadOnlyList<TensorConfig> configured) =>
        [
            .. tensors.Select(tensor => configured.FirstOrDefault(other => other.Name == tensor.Name)?.Reshape is { } dims
                ? tensor with { Shape = config.MaxBatchSize > 0 ? [-1, .. dims] : dims }
                : tensor),
        ];
    }

    /// <summary>What callers send who have done some of the preprocessing themselves.</summary>
    public static ModelSignature OfModel(ModelConfig config, IReadOnlyCollection<Preprocessing> done) =>
        Create(config, Replace(config.Inputs, done), config.Outputs);

    /// <summary>What is made of several inputs stands in the place of the first of them.</summary>
    private static IEnumerable<TensorConfig> Replace(IReadOnlyList<TensorConfig> inputs, IReadOnlyCollection<Preprocessing> done)
    {
        var replaced = new HashSet<Preprocessing>(ReferenceEqualityComparer.Instance);
        foreach (var input in inputs)
        {
            if (done.FirstOrDefault(entry => entry.Inputs.Contains(input.Name)) is not { } made)
            {
                yield return input;
            }
            else if (replaced.Add(made))
            {
                foreach (var output in made.Outputs) yield return output;
            }
        }
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
