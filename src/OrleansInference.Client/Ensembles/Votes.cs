using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Pure: the vote of an ensemble's members, in which each counts by its weight.</summary>
internal static class Votes
{
    /// <summary>Of each element the value that most weight stands behind; of equals the one whose first member comes first.</summary>
    /// <param name="output">The output's name.</param>
    /// <param name="tensors">Tensors of one datatype, not of floating-point numbers, and one shape.</param>
    /// <param name="weights">The members' weights.</param>
    public static InferenceTensor ForElements(string output, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights)
    {
        var ballots = tensors.Select(ToElements).ToList();
        var elected = new ReadOnlyMemory<byte>[ballots[0].Count];
        for (var element = 0; element < elected.Length; element++)
        {
            var best = double.NegativeInfinity;
            foreach (var candidate in ballots)
            {
                var weight = 0.0;
                for (var voter = 0; voter < ballots.Count; voter++)
                {
                    if (ballots[voter][element].Span.SequenceEqual(candidate[element].Span)) weight += weights[voter];
                }

                if (weight <= best) continue;
                best = weight;
                elected[element] = candidate[element];
            }
        }

        var shape = tensors[0].Shape.ToArray();
        return tensors[0].DataType == DataType.Bytes
            ? InferenceTensor.FromBytes(output, elected, shape)
            : new(output, tensors[0].DataType, shape, elected.SelectMany(element => element.ToArray()).ToArray());
    }

    /// <summary>
    /// Takes the last dimension for scores of classes: each member votes for its best class, of equals the first, and each class gets its
    /// share of the votes.
    /// </summary>
    /// <param name="output">The output's name.</param>
    /// <param name="tensors">Tensors of FP32, or of FP64, and of one shape.</param>
    /// <param name="weights">The members' weights.</param>
    public static InferenceTensor ForClasses(string output, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights) =>
        tensors[0].DataType == DataType.Float32
            ? ForClasses(output, tensors, weights, share => (float)share)
            : ForClasses(output, tensors, weights, share => share);

    private static InferenceTensor ForClasses<T>(
        string output, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights, Func<double, T> toShare)
        where T : unmanaged, IComparable<T>
    {
        var shape = tensors[0].Shape.ToArray();
        // A lone score is one class, which gets all votes.
        var classes = shape.Length == 0 ? 1 : (int)shape[^1];
        var votes = new double[tensors[0].ElementCount];
        var total = weights.Sum();
        for (var voter = 0; voter < tensors.Count; voter++)
        {
            var scores = tensors[voter].AsSpan<T>();
            for (var row = 0; row < scores.Length; row += classes) votes[row + IndexOfMax(scores.Slice(row, classes))] += weights[voter] / total;
        }

        return InferenceTensor.Create(output, Array.ConvertAll(votes, vote => toShare(vote)), shape);
    }

    private static int IndexOfMax<T>(ReadOnlySpan<T> scores)
        where T : IComparable<T>
    {
        var best = 0;
        for (var i = 1; i < scores.Length; i++)
        {
            if (scores[i].CompareTo(scores[best]) > 0) best = i;
        }

        return best;
    }

    private static List<ReadOnlyMemory<byte>> ToElements(InferenceTensor tensor)
    {
        if (tensor.DataType == DataType.Bytes) return [.. tensor.ToBytes()];
        var size = tensor.DataType.ElementSize();
        return [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(element => tensor.Data.Slice(element * size, size))];
    }
}
