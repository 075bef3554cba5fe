using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

using OrleansInference.Engine.Processing;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: the steps that change each element. What is no number stays none, for the caller to see.</summary>
internal static class ScoreSteps
{
    public static InferenceTensor Softmax<T>(InferenceTensor scores)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var from = scores.AsSpan<T>();
        var classes = scores.Shape.IsEmpty ? 1 : (int)scores.Shape[^1];
        var data = new byte[scores.Data.Length];
        var to = MemoryMarshal.Cast<byte, T>(data.AsSpan());
        // A sum of halves would stop growing at 2048.
        var row = new double[typeof(T) == typeof(Half) ? classes : 0];
        for (var i = 0; i < from.Length; i += classes)
        {
            var source = from.Slice(i, classes);
            var target = to.Slice(i, classes);
            if (row.Length == 0)
            {
                Softmax(source, target);
                continue;
            }

            TensorPrimitives.ConvertSaturating(source, row.AsSpan());
            Softmax<double>(row, row);
            TensorPrimitives.ConvertSaturating(row.AsSpan(), target);
        }

        return new(scores.Name, scores.DataType, scores.Shape.ToArray(), data);
    }

    public static InferenceTensor Round<T>(InferenceTensor scores, int digits)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var from = scores.AsSpan<T>();
        var data = new byte[scores.Data.Length];
        var to = MemoryMarshal.Cast<byte, T>(data.AsSpan());
        // Rounded as doubles, which have room for the decimals of all three types.
        for (var i = 0; i < from.Length; i++) to[i] = T.CreateSaturating(Math.Round(double.CreateSaturating(from[i]), digits));
        return new(scores.Name, scores.DataType, scores.Shape.ToArray(), data);
    }

    public static InferenceTensor Threshold<T>(InferenceTensor scores, ThresholdStep step)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var from = scores.AsSpan<T>();
        var least = T.CreateSaturating(step.Value);
        var over = new bool[from.Length];
        for (var i = 0; i < over.Length; i++)
        {
            if (T.IsNaN(from[i])) throw new StepException($"output '{scores.Name}' has NaN as its element {i}");
            over[i] = from[i] >= least;
        }

        return new(step.Output, DataType.Bool, scores.Shape.ToArray(), MemoryMarshal.AsBytes(over.AsSpan()).ToArray());
    }

    /// <summary>exp(x - max) / sum: the same quotient as without the largest, and no overflow.</summary>
    private static void Softmax<T>(ReadOnlySpan<T> source, Span<T> target)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        TensorPrimitives.Subtract(source, TensorPrimitives.Max(source), target);
        TensorPrimitives.Exp(target, target);
        TensorPrimitives.Divide(target, TensorPrimitives.Sum<T>(target), target);
    }
}
