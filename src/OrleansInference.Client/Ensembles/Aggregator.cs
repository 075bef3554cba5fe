using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Pure: makes one tensor of those that the members of an ensemble have given.</summary>
internal static class Aggregator
{
    /// <param name="aggregation">What to do.</param>
    /// <param name="output">The output's name.</param>
    /// <param name="tensors">What those members have given that have answered, in the members' order.</param>
    /// <param name="weights">These members' weights.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.ModelFailed"/>: the tensors do not go together.</exception>
    public static InferenceTensor Combine(
        Aggregation aggregation, string output, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights)
    {
        try
        {
            switch (aggregation.Method)
            {
                case AggregationMethod.First:
                    return tensors[0].Rename(output);
                case AggregationMethod.Concat:
                    return TensorRows.Concatenate(output, tensors, aggregation.Axis);
                case AggregationMethod.Stack:
                    return TensorRows.Concatenate(output, [.. tensors.Select(tensor => AddAxis(tensor, aggregation.Axis))], aggregation.Axis);
            }

            CheckAlike(aggregation.Method, output, tensors);
            if (aggregation.Method != AggregationMethod.MajorityVote) return Arithmetic.Combine(aggregation.Method, output, tensors, weights);
            return tensors[0].DataType.IsFloatingPoint() ? Votes.ForClasses(output, tensors, weights) : Votes.ForElements(output, tensors, weights);
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            throw new InferenceException(InferenceError.ModelFailed, $"the members' answers do not go together: {exception.Message}", exception);
        }
    }

    private static void CheckAlike(AggregationMethod method, string output, IReadOnlyList<InferenceTensor> tensors)
    {
        if (!method.Supports(tensors[0].DataType))
            throw new ArgumentException($"output '{output}' is of {tensors[0].DataType.ToProtocolName()}, for which there is no aggregate {method}");
        foreach (var tensor in tensors.Skip(1))
        {
            if (tensor.DataType == tensors[0].DataType && tensor.Shape.SequenceEqual(tensors[0].Shape)) continue;
            throw new ArgumentException($"output '{output}' came as {tensors[0]} and as {tensor}");
        }
    }

    private static InferenceTensor AddAxis(InferenceTensor tensor, int axis)
    {
        if (axis > tensor.Shape.Length)
            throw new ArgumentException($"'{tensor.Name}' of shape {TensorShape.Format(tensor.Shape)} has no place for a dimension {axis}");
        return new(tensor.Name, tensor.DataType, [.. tensor.Shape[..axis], 1, .. tensor.Shape[axis..]], tensor.Data);
    }
}
