using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

using OrleansInference.Engine.Processing;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: the steps that choose the largest elements of each row. Among some that are NaN nothing can be chosen.</summary>
internal static class ChoiceSteps
{
    public static InferenceTensor Argmax<T>(InferenceTensor scores, ArgmaxStep step)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var classes = CountClasses(scores, 1);
        var best = new long[scores.ElementCount / classes];
        for (var row = 0; row < best.Length; row++) best[row] = IndexOfMax<T>(scores, row, classes);
        long[] shape = step.KeepsDimension ? [.. scores.Shape[..^1], 1] : scores.Shape[..^1].ToArray();
        return new(step.Output, DataType.Int64, shape, MemoryMarshal.AsBytes(best.AsSpan()).ToArray());
    }

    public static InferenceTensor Label<T>(InferenceTensor scores, LabelStep step)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var classes = CountClasses(scores, 1, step.Labels.Count);
        var labels = new string[scores.ElementCount / classes];
        for (var row = 0; row < labels.Length; row++) labels[row] = step.Labels[IndexOfMax<T>(scores, row, classes)];
        return InferenceTensor.FromStrings(step.Output, labels, [.. scores.Shape[..^1], 1]);
    }

    public static IEnumerable<InferenceTensor> Top<T>(InferenceTensor scores, TopStep step)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var classes = CountClasses(scores, step.Count, step.Labels.Count);
        var values = scores.AsSpan<T>();
        var places = new long[scores.ElementCount / classes * step.Count];
        for (var row = 0; row * classes < values.Length; row++)
            FindTop(scores.Name, row, values.Slice(row * classes, classes), places.AsSpan(row * step.Count, step.Count));
        long[] shape = [.. scores.Shape[..^1], step.Count];
        var output = step.Labels.Count > 0
            ? InferenceTensor.FromStrings(step.Output, [.. places.Select(place => step.Labels[(int)place])], shape)
            : new(step.Output, DataType.Int64, shape, MemoryMarshal.AsBytes(places.AsSpan()).ToArray());
        if (step.Scores is null) return [output];

        var best = new T[places.Length];
        for (var i = 0; i < best.Length; i++) best[i] = values[i / step.Count * classes + (int)places[i]];
        return [output, InferenceTensor.Create(step.Scores, best, shape)];
    }

    private static void FindTop<T>(string output, int row, ReadOnlySpan<T> values, Span<long> top)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // The worst of the best so far comes first: the smallest, of equals the last.
        var best = new PriorityQueue<int, (T Value, int Place)>(top.Length + 1);
        for (var i = 0; i < values.Length; i++)
        {
            if (T.IsNaN(values[i])) throw Undefined(output, row);
            if (best.Count < top.Length) best.Enqueue(i, (values[i], -i));
            else best.EnqueueDequeue(i, (values[i], -i));
        }

        for (var i = top.Length - 1; i >= 0; i--) top[i] = best.Dequeue();
    }

    private static int IndexOfMax<T>(InferenceTensor scores, int row, int classes)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = scores.AsSpan<T>().Slice(row * classes, classes);
        // It finds NaN first, wherever there is one.
        var best = TensorPrimitives.IndexOfMax(values);
        return T.IsNaN(values[best]) ? throw Undefined(scores.Name, row) : best;
    }

    /// <summary>The length of the last dimension, which the network may have left open.</summary>
    private static int CountClasses(InferenceTensor scores, int least, int labels = 0)
    {
        var classes = scores.Shape.IsEmpty ? 0 : scores.Shape[^1];
        if (classes < least || (labels > 0 && labels != classes))
        {
            var needed = labels > 0 ? $"{labels}, one for each label," : $"at least {least}";
            throw new StepException($"output '{scores.Name}' has {classes} elements a row, not {needed}");
        }

        return (int)classes;
    }

    private static StepException Undefined(string output, int row) => new($"output '{output}' has NaN in row {row}");
}
