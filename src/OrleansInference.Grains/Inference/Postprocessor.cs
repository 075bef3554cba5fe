using System.Numerics.Tensors;
using System.Runtime.InteropServices;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: turns what the network gave into the outputs that the model declares.</summary>
internal static class Postprocessor
{
    public static IReadOnlyList<InferenceTensor> Run(ModelVersion model, IReadOnlyList<InferenceTensor> networkOutputs)
    {
        var outputs = networkOutputs.ToDictionary(output => output.Name);
        foreach (var step in model.Config.Postprocessing)
        {
            outputs[step.Output] = step switch
            {
                SoftmaxStep => Softmax(outputs[step.Output]),
                LabelStep label => Label(outputs[label.From], label),
                _ => throw new NotSupportedException($"There is no postprocessing step {step.GetType().Name}."),
            };
        }

        return [.. model.Signature.Outputs.Select(output => outputs[output.Name])];
    }

    private static InferenceTensor Softmax(InferenceTensor scores)
    {
        var data = new byte[scores.Data.Length];
        var from = scores.AsSpan<float>();
        var to = MemoryMarshal.Cast<byte, float>(data.AsSpan());
        var classes = (int)scores.Shape[^1];
        for (var row = 0; row < from.Length; row += classes)
        {
            var source = from.Slice(row, classes);
            var target = to.Slice(row, classes);
            // exp(x - max) / sum: the same quotient, and no overflow.
            TensorPrimitives.Subtract(source, TensorPrimitives.Max(source), target);
            TensorPrimitives.Exp(target, target);
            TensorPrimitives.Divide(target, TensorPrimitives.Sum<float>(target), target);
        }

        return new(scores.Name, scores.DataType, scores.Shape.ToArray(), data);
    }

    private static InferenceTensor Label(InferenceTensor scores, LabelStep step)
    {
        var values = scores.AsSpan<float>();
        var classes = step.Labels.Count;
        var labels = new string[values.Length / classes];
        for (var row = 0; row < labels.Length; row++)
            labels[row] = step.Labels[TensorPrimitives.IndexOfMax(values.Slice(row * classes, classes))];
        return InferenceTensor.FromStrings(step.Output, labels, [.. scores.Shape[..^1], 1]);
    }
}
