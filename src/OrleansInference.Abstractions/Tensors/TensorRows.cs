namespace OrleansInference.Tensors;

/// <summary>Takes tensors apart along the batch, and puts them together along any dimension.</summary>
public static class TensorRows
{
    /// <summary>Some rows of a tensor, in place: nothing is copied.</summary>
    /// <param name="tensor">A tensor of one dimension or more.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many; all of them must be there.</param>
    public static InferenceTensor Slice(InferenceTensor tensor, int start, int count)
    {
        var place = 0;
        if (start > 0 && start < tensor.Shape[0]) TakeNext(tensor, 0, start, ref place);
        return TakeNext(tensor, start, count, ref place);
    }

    /// <summary>The same of rows that are taken one after the other: byte strings differ in length, and are found from where the last ones ended.</summary>
    /// <param name="tensor">A tensor of one dimension or more.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many; all of them must be there.</param>
    /// <param name="place">Where the first row begins, 0 for that of the tensor; afterwards where the row behind the last one does.</param>
    public static InferenceTensor TakeNext(InferenceTensor tensor, int start, int count, ref int place)
    {
        var rows = tensor.Shape[0];
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + (long)count, rows, nameof(count));
        if (count == rows) return tensor;
        long[] shape = [count, .. tensor.Shape[1..]];
        var perRow = tensor.ElementCount / rows;
        var length = tensor.DataType == DataType.Bytes
            ? BytesElements.Measure(tensor.Data.Span[place..], count * perRow)
            : (int)(count * perRow * tensor.DataType.ElementSize());
        var rest = tensor.Data.Slice(place, length);
        place += length;
        return new(tensor.Name, tensor.DataType, shape, rest);
    }

    /// <summary>Puts tensors of one datatype one behind the other.</summary>
    /// <param name="name">The name of what comes out.</param>
    /// <param name="parts">One tensor or more.</param>
    /// <param name="axis">The dimension along which they are put together; in all others they agree.</param>
    /// <exception cref="ArgumentException">They do not fit together; the message names datatypes or shapes.</exception>
    public static InferenceTensor Concatenate(string name, IReadOnlyList<InferenceTensor> parts, int axis)
    {
        var first = parts[0];
        if (parts.Count == 1) return first.Rename(name);
        var shape = first.Shape.ToArray();
        if (axis >= shape.Length)
            throw new ArgumentException($"'{name}' of shape {TensorShape.Format(shape)} has no dimension {axis} along which to be put together.", nameof(axis));
        foreach (var part in parts.Skip(1))
        {
            if (part.DataType != first.DataType || !AgreeBesides(axis, part.Shape, first.Shape))
                throw new ArgumentException($"'{name}' came as {Describe(first)} and as {Describe(part)}, which do not fit together.", nameof(parts));
            shape[axis] = checked(shape[axis] + part.Shape[axis]);
        }

        return new(name, first.DataType, shape, Interleave(parts, axis));
    }

    private static string Describe(InferenceTensor tensor) => $"{tensor.DataType.ToProtocolName()}{TensorShape.Format(tensor.Shape)}";

    private static bool AgreeBesides(int axis, ReadOnlySpan<long> left, ReadOnlySpan<long> right) =>
        left.Length == right.Length && left[..axis].SequenceEqual(right[..axis]) && left[(axis + 1)..].SequenceEqual(right[(axis + 1)..]);

    /// <summary>The parts' blocks from the dimension on, in turns: one block each where the dimension is the first.</summary>
    private static byte[] Interleave(IReadOnlyList<InferenceTensor> parts, int axis)
    {
        var blocks = 1L;
        foreach (var dimension in parts[0].Shape[..axis]) blocks *= dimension;
        var data = new byte[parts.Sum(part => (long)part.Data.Length)];
        var rest = data.AsSpan();
        // Where to go on in each part: byte strings differ in length.
        var places = new int[parts.Count];
        for (var block = 0L; block < blocks; block++)
        {
            for (var i = 0; i < places.Length; i++)
            {
                var left = parts[i].Data.Span[places[i]..];
                var length = parts[i].DataType == DataType.Bytes
                    ? BytesElements.Measure(left, parts[i].ElementCount / blocks)
                    : (int)(parts[i].Data.Length / blocks);
                left[..length].CopyTo(rest);
                rest = rest[length..];
                places[i] += length;
            }
        }

        return data;
    }
}
