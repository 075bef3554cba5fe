using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>
/// Lets requests of unlike lengths share a batch: inputs are filled up to one length, and outputs cut back to each request's own.
/// What has that length already is passed on as it is.
/// </summary>
internal sealed class Padding
{
    private readonly string _model;
    private readonly Place[] _inputs;
    private readonly Place[] _outputs;
    private readonly int[] _axes;
    private readonly long[] _buckets;

    /// <param name="padding">At least one input; sound, as <see cref="PaddingReader"/> leaves it.</param>
    /// <param name="network">The network that the names refer to.</param>
    public Padding(IReadOnlyList<PaddedInput> padding, ModelSignature network)
    {
        _model = network.Model;
        _inputs = [.. padding.Select(input => Locate(network.Inputs, input.Input, input.Axis, input.Value))];
        _outputs = [.. padding.SelectMany(input => input.Outputs).Select(output => Locate(network.Outputs, output.Output, output.Axis, 0))];
        _axes = new int[network.Inputs.Count];
        foreach (var place in _inputs) _axes[place.Index] = place.Axis;
        _buckets = [.. padding[0].Buckets];
    }

    /// <summary>A request's own length, and that of the batch it goes into.</summary>
    /// <param name="inputs">The tensors, in the order of the network's signature.</param>
    /// <param name="bucket">The smallest bucket that holds it; 0 where there are none, and a batch is as long as the longest in it.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: its inputs differ in length, or are too long.</exception>
    public long Measure(InferenceTensor[] inputs, out long bucket)
    {
        var first = inputs[_inputs[0].Index];
        var length = first.Shape[_inputs[0].Axis];
        foreach (var place in _inputs)
        {
            var other = inputs[place.Index];
            if (other.Shape[place.Axis] == length) continue;
            throw Invalid(
                $"input '{other.Name}' has length {other.Shape[place.Axis]} on axis {place.Axis} for model '{_model}', " +
                $"but input '{first.Name}' has {length} on axis {_inputs[0].Axis}: the lengths of padded inputs must be equal");
        }

        bucket = 0;
        if (_buckets.Length == 0) return length;
        foreach (var limit in _buckets)
        {
            bucket = limit;
            if (length <= limit) return length;
        }

        throw Invalid($"input '{first.Name}' has length {length} on axis {_inputs[0].Axis}, but model '{_model}' takes at most {bucket}");
    }

    /// <summary>Whether an input's shape allows for a batch with another's: all dimensions but the first and the padded one agree.</summary>
    /// <param name="input">The input's place in the network's signature.</param>
    /// <param name="left">The shape of one request's.</param>
    /// <param name="right">The shape of the other's.</param>
    public bool IsSameShape(int input, ReadOnlySpan<long> left, ReadOnlySpan<long> right)
    {
        var axis = _axes[input];
        return axis == 0
            ? left[1..].SequenceEqual(right[1..])
            : left[1..axis].SequenceEqual(right[1..axis]) && left[(axis + 1)..].SequenceEqual(right[(axis + 1)..]);
    }

    /// <summary>Fills a request's inputs up to the length of its batch.</summary>
    public InferenceTensor[] Pad(InferenceTensor[] inputs, long length, long target)
    {
        if (length == target) return inputs;
        var padded = inputs.AsSpan().ToArray();
        foreach (var place in _inputs) padded[place.Index] = Pad(inputs[place.Index], place, target);
        return padded;
    }

    /// <summary>Cuts a request's outputs back to its own length, in place.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.ModelFailed"/>: an output is not as long as the inputs were.</exception>
    public void Cut(InferenceTensor[] outputs, long length, long target)
    {
        if (length == target) return;
        foreach (var place in _outputs)
        {
            var output = outputs[place.Index];
            if (output.Shape[place.Axis] != target)
            {
                throw new InferenceException(
                    InferenceError.ModelFailed,
                    $"model '{_model}' failed: output '{output.Name}' came out with length {output.Shape[place.Axis]} on axis {place.Axis} " +
                    $"for inputs that were padded to {target}, and cannot be cut to {length}");
            }

            outputs[place.Index] = Cut(output, place.Axis, length);
        }
    }

    private static InferenceTensor Pad(InferenceTensor tensor, Place place, long target)
    {
        var (outer, inner) = Measure(tensor, place.Axis);
        var own = checked((int)(tensor.Shape[place.Axis] * inner));
        var whole = checked((int)(target * inner));
        var data = GC.AllocateUninitializedArray<byte>(checked((int)(outer * whole)));
        var source = tensor.Data.Span;
        for (var rest = data.AsSpan(); !rest.IsEmpty; rest = rest[whole..], source = source[own..])
        {
            source[..own].CopyTo(rest);
            PaddingValue.Fill(rest[own..whole], tensor.DataType.ElementSize(), place.Bits);
        }

        return Resized(tensor, place.Axis, target, data);
    }

    private static InferenceTensor Cut(InferenceTensor tensor, int axis, long length)
    {
        var (outer, inner) = Measure(tensor, axis);
        var whole = (int)(tensor.Shape[axis] * inner);
        var own = (int)(length * inner);
        // The beginning of the only stretch can be shown instead of copied.
        if (outer == 1) return Resized(tensor, axis, length, tensor.Data[..own]);
        var data = GC.AllocateUninitializedArray<byte>((int)(outer * own));
        var source = tensor.Data.Span;
        for (var rest = data.AsSpan(); !rest.IsEmpty; rest = rest[own..], source = source[whole..]) source[..own].CopyTo(rest);
        return Resized(tensor, axis, length, data);
    }

    /// <summary>How many stretches along an axis a tensor has, and how many bytes one step of the axis takes.</summary>
    private static (long Outer, long Inner) Measure(InferenceTensor tensor, int axis)
    {
        TensorShape.TryGetElementCount(tensor.Shape[..axis], out var outer);
        TensorShape.TryGetElementCount(tensor.Shape[(axis + 1)..], out var inner);
        return (outer, inner * tensor.DataType.ElementSize());
    }

    private static InferenceTensor Resized(InferenceTensor tensor, int axis, long length, ReadOnlyMemory<byte> data)
    {
        var shape = tensor.Shape.ToArray();
        shape[axis] = length;
        return new(tensor.Name, tensor.DataType, shape, data);
    }

    private static Place Locate(IReadOnlyList<TensorSignature> tensors, string name, int axis, double value)
    {
        var index = tensors.TakeWhile(tensor => tensor.Name != name).Count();
        PaddingValue.TryGetBits(tensors[index].DataType, value, out var bits);
        return new(index, axis, bits);
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);

    /// <param name="Index">The tensor's place in the network's signature.</param>
    /// <param name="Axis">The dimension, of which the batch's is 0.</param>
    /// <param name="Bits">The element that fills an input up.</param>
    private readonly record struct Place(int Index, int Axis, ulong Bits);
}
