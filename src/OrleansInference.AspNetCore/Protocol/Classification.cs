using System.Globalization;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Triton's classification extension: instead of an output, the best of its classes as <c>value:index[:label]</c>.</summary>
internal static class Classification
{
    /// <summary>Ranks the elements of each row.</summary>
    /// <param name="output">An output of numbers; beside the batch dimension, all its elements are classes.</param>
    /// <param name="count">How many of the best to name; at most as many as there are.</param>
    /// <param name="labels">The classes' names, in order; may be empty.</param>
    /// <param name="batched">Whether the first dimension is the batch.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the output's elements have no order.</exception>
    public static InferenceTensor Rank(InferenceTensor output, int count, IReadOnlyList<string> labels, bool batched)
    {
        Check(output.Name, output.DataType);
        var values = TensorNumbers.ToDoubles(output);
        var rows = batched ? (int)output.Shape[0] : 1;
        var classes = rows == 0 ? 0 : values.Length / rows;
        var best = Math.Min(count, classes);
        var ranked = new List<string>(rows * best);
        for (var row = 0; row < rows; row++)
        {
            ranked.AddRange(Enumerable.Range(0, classes)
                .OrderByDescending(index => values[row * classes + index])
                .Take(best)
                .Select(index => Format(values[row * classes + index], index, labels)));
        }

        return InferenceTensor.FromStrings(output.Name, ranked, batched ? [rows, best] : [best]);
    }

    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: elements of this datatype have no order.</exception>
    public static void Check(string output, DataType type)
    {
        if (type is DataType.Bool or DataType.Bytes or DataType.Float16 or DataType.BFloat16) throw Refuse(output, type);
    }

    private static string Format(double value, int index, IReadOnlyList<string> labels) => index < labels.Count
        ? string.Create(CultureInfo.InvariantCulture, $"{value:F6}:{index}:{labels[index]}")
        : string.Create(CultureInfo.InvariantCulture, $"{value:F6}:{index}");

    private static InferenceException Refuse(string output, DataType type) => new(
        InferenceError.InvalidArgument, $"classification is not possible for output '{output}' of datatype {type.ToProtocolName()}");
}
