using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads in which shape a network's file has a tensor that callers see in another: <c>reshape</c>.</summary>
internal static class ReshapeReader
{
    /// <returns>The file's dimensions without the batch's; null where they are the tensor's own.</returns>
    public static long[]? Read(JsonSection tensor, long[]? dims, string platform)
    {
        if (tensor.Section("reshape") is not { } section) return null;
        // Left out, as an empty list is in protobuf: the batch's dimension alone, or none.
        var shape = section.Dimensions("shape") ?? [];
        section.RejectUnknown();
        if (platform == EnsembleReader.Platform) tensor.Error("reshape", $"contradicts platform '{platform}': an ensemble has no network of its own");
        else if (dims is null) tensor.Error("reshape", "needs dims, of which it has as many elements");
        else if (!HaveEqualCounts(dims, shape))
            tensor.Error("reshape", $"{TensorShape.Format(shape)} has not as many elements and open dimensions as dims {TensorShape.Format(dims)}");
        return shape;
    }

    /// <summary>What is wrong between the shapes and what is done before and after the network.</summary>
    public static IEnumerable<string> Check(ModelConfig config, ModelSignature network)
    {
        var replaced = config.Preprocessing.SelectMany(entry => entry.Inputs).ToHashSet();
        foreach (var input in config.Inputs.Where(input => input.Reshape is not null && replaced.Contains(input.Name)))
            yield return $"input '{input.Name}': reshape contradicts preprocessing, which makes other inputs of it";
        foreach (var output in config.Outputs.Where(output => output.Reshape is not null && !network.Outputs.Any(other => other.Name == output.Name)))
            yield return $"output '{output.Name}': reshape contradicts postprocessing, which adds the output";
    }

    private static bool HaveEqualCounts(long[] dims, long[] shape) =>
        dims.Count(size => size < 0) == shape.Count(size => size < 0) &&
        TensorShape.TryGetElementCount([.. dims.Where(size => size > 0)], out var given) &&
        TensorShape.TryGetElementCount([.. shape.Where(size => size > 0)], out var wanted) &&
        given == wanted;
}
