using System.Text.Json;
using System.Text.Json.Nodes;

using OrleansInference.Engine.Onnx;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>What an ONNX file adds to a model's configuration, and where the two contradict each other.</summary>
internal static class OnnxConfig
{
    /// <summary>The rows in a batch of a model that batches and does not say how many.</summary>
    public const int DefaultMaxBatchSize = 32;

    private const string MaxBatchSize = "max_batch_size";

    /// <summary>Writes what is left out into the configuration, so that it is read, and shown, as if it had stood there.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the file has what no request can carry.</exception>
    public static JsonElement Complete(JsonElement root, OnnxSignature file, string modelFile)
    {
        var config = JsonObject.Create(root)!.DeepClone().AsObject();
        if (!config.ContainsKey("backend")) config["platform"] = OnnxRuntime.Platform;
        var (hasInput, hasOutput) = (config["input"] is not null, config["output"] is not null);
        // Dimensions that the user has written leave the batch out, or do not: only the user knows.
        if (!hasInput && !hasOutput && config[MaxBatchSize] is null)
        {
            config[MaxBatchSize] = file.Batches ? DefaultMaxBatchSize : 0;
            if (file.Batches) config["dynamic_batching"] ??= new JsonObject();
        }

        var batches = config[MaxBatchSize] is JsonValue value && value.TryGetValue<int>(out var size) && size > 0;
        if (!hasInput) config["input"] = Write("input", file.Inputs, batches, modelFile);
        if (!hasOutput) config["output"] = Write("output", file.Outputs, batches, modelFile);
        return JsonSerializer.SerializeToElement(config);
    }

    /// <summary>What of the network's declared tensors is not what the file has.</summary>
    public static IEnumerable<string> Check(ModelSignature network, OnnxSignature file, string modelFile)
    {
        foreach (var missing in file.Inputs.Where(input => !network.Inputs.Any(declared => declared.Name == input.Name)))
            yield return $"input: {modelFile} needs an input '{missing.Name}' of {missing}, which is not declared";
        foreach (var mistake in network.Inputs.Select(input => Check("input", input, file.Inputs, modelFile)).OfType<string>())
            yield return mistake;
        foreach (var mistake in network.Outputs.Select(output => Check("output", output, file.Outputs, modelFile)).OfType<string>())
            yield return mistake;
    }

    private static string? Check(string field, TensorSignature declared, IReadOnlyList<OnnxTensor> all, string modelFile)
    {
        var actual = all.FirstOrDefault(tensor => tensor.Name == declared.Name);
        if (actual is null) return $"{field}: {modelFile} has no {field} '{declared.Name}', but {string.Join(", ", all.Select(tensor => $"'{tensor.Name}'"))}";
        if (actual.DataType == declared.DataType && Admits(actual.Shape, declared, field == "input")) return null;
        var shape = declared.AnyRank ? " of any shape" : TensorShape.Format(declared.Shape);
        return $"{field} '{declared.Name}': declared as {declared.DataType.ToProtocolName()}{shape}, but {modelFile} has {actual}";
    }

    /// <summary>What callers may send must be what the network takes; what it gives need only not be excluded.</summary>
    private static bool Admits(long[]? actual, TensorSignature declared, bool isInput)
    {
        if (actual is null) return true;
        if (declared.AnyRank) return !isInput;
        return actual.Length == declared.Shape.Length && actual.Zip(declared.Shape).All(
            pair => pair.First < 0 || pair.First == pair.Second || (!isInput && pair.Second < 0));
    }

    private static JsonArray Write(string field, IReadOnlyList<OnnxTensor> tensors, bool batches, string modelFile)
    {
        var list = new JsonArray();
        foreach (var tensor in tensors)
        {
            if (tensor.DataType is not { } type)
                throw new InferenceException(InferenceError.NotReady, $"{modelFile}: {field} '{tensor.Name}' is {tensor.TypeName}, which no request can carry");
            var entry = new JsonObject { ["name"] = tensor.Name, ["data_type"] = ModelConfigReader.NameOf(type) };
            if (tensor.Shape is { } shape) entry["dims"] = new JsonArray([.. shape.Skip(batches ? 1 : 0).Select(dimension => (JsonNode)dimension)]);
            list.Add((JsonNode)entry);
        }

        return list;
    }
}
