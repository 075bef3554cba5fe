using System.Globalization;

using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads how inputs of unlike lengths share batches: <c>dynamic_batching.padding</c>.</summary>
internal static class PaddingReader
{
    public static List<PaddedInput> Read(JsonSection batching)
    {
        var inputs = new List<PaddedInput>();
        foreach (var section in batching.Sections("padding"))
        {
            var input = new PaddedInput(
                section.String("input"),
                ReadAxis(section),
                section.Double("value", 0),
                section.Integers("buckets", 1, int.MaxValue) ?? [],
                ReadOutputs(section, inputs));
            for (var i = 1; i < input.Buckets.Count; i++)
            {
                if (input.Buckets[i] <= input.Buckets[i - 1])
                    section.Error("buckets", $"{input.Buckets[i]} does not ascend from {input.Buckets[i - 1]}");
            }

            if (inputs.Any(other => other.Input == input.Input)) section.Error("input", $"'{input.Input}' is padded twice");
            if (inputs.Count > 0 && !inputs[0].Buckets.SequenceEqual(input.Buckets))
            {
                section.Error(
                    "buckets", $"[{string.Join(',', input.Buckets)}] are not those of '{inputs[0].Input}': inputs that are padded have equal lengths");
            }

            section.RejectUnknown();
            inputs.Add(input);
        }

        return inputs;
    }

    /// <summary>What is wrong between the padding and the network whose tensors it changes.</summary>
    public static IEnumerable<string> Check(ModelConfig config, ModelSignature network)
    {
        if (config.Iteration is not null && config.Batching.Padding.Count > 0)
            yield return "dynamic_batching.padding: contradicts iteration: outputs that are fed back cannot be cut and padded anew";
        for (var i = 0; i < config.Batching.Padding.Count; i++)
        {
            var padded = config.Batching.Padding[i];
            var path = string.Create(CultureInfo.InvariantCulture, $"dynamic_batching.padding[{i}]");
            var input = network.Inputs.FirstOrDefault(tensor => tensor.Name == padded.Input);
            if (input is null)
                yield return $"{path}.input: the network has no input '{padded.Input}'";
            else if (CheckAxis(input, padded.Axis) is { } mistake)
                yield return $"{path}.{mistake}";
            else if (!PaddingValue.TryGetBits(input.DataType, padded.Value, out _))
            {
                var type = input.DataType.ToProtocolName();
                yield return string.Create(CultureInfo.InvariantCulture, $"{path}.value: {padded.Value} is no value of {type}, of which '{padded.Input}' is");
            }

            for (var j = 0; j < padded.Outputs.Count; j++)
            {
                var output = network.Outputs.FirstOrDefault(tensor => tensor.Name == padded.Outputs[j].Output);
                var field = string.Create(CultureInfo.InvariantCulture, $"{path}.outputs[{j}]");
                if (output is null)
                    yield return $"{field}.output: the network has no output '{padded.Outputs[j].Output}'";
                else if (CheckAxis(output, padded.Outputs[j].Axis) is { } mistake)
                    yield return $"{field}.{mistake}";
            }
        }
    }

    private static List<PaddedOutput> ReadOutputs(JsonSection padding, List<PaddedInput> others)
    {
        var outputs = new List<PaddedOutput>();
        foreach (var section in padding.Sections("outputs"))
        {
            var output = new PaddedOutput(section.String("output"), ReadAxis(section));
            if (others.SelectMany(other => other.Outputs).Concat(outputs).Any(other => other.Output == output.Output))
                section.Error("output", $"'{output.Output}' is cut twice");
            section.RejectUnknown();
            outputs.Add(output);
        }

        return outputs;
    }

    private static int ReadAxis(JsonSection section)
    {
        if (!section.Has("axis")) section.Error("axis", "is missing");
        return section.Integer("axis", 1, 1, int.MaxValue);
    }

    private static string? CheckAxis(TensorSignature tensor, int axis) =>
        tensor.DataType == DataType.Bytes ? $"axis: '{tensor.Name}' is of BYTES, whose elements cannot be padded"
        : axis >= tensor.Shape.Length ? $"axis: {axis} is no dimension of '{tensor.Name}', whose shape is {TensorShape.Format(tensor.Shape)}"
        : tensor.Shape[axis] >= 0
            ? $"axis: {axis} is a fixed dimension of '{tensor.Name}', whose shape is {TensorShape.Format(tensor.Shape)}: it must be -1"
        : null;
}
