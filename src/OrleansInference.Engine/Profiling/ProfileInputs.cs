using OrleansInference.Tensors;

namespace OrleansInference.Engine.Profiling;

/// <summary>
/// Pure: inputs that a network takes. Floating-point numbers are random, the same ones each time; all others are 0, since they may be
/// places in a table.
/// </summary>
internal static class ProfileInputs
{
    /// <param name="network">The network's signature.</param>
    /// <param name="rows">The rows; without effect where the network does not batch.</param>
    /// <param name="shapes">The dimensions without the batch's, by input.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a shape is not one that the network takes.</exception>
    public static InferenceTensor[] Create(ModelSignature network, int rows, IReadOnlyDictionary<string, long[]> shapes)
    {
        var names = network.Inputs.Select(input => input.Name);
        if (shapes.Keys.Except(names).FirstOrDefault() is { } unknown)
            throw Invalid($"shape of '{unknown}': the network of '{network.Model}' has no such input, but {string.Join(", ", names.Select(name => $"'{name}'"))}");
        return [.. network.Inputs.Select(input => Create(input, ShapeOf(input, network.MaxBatchSize > 0, rows, shapes)))];
    }

    private static long[] ShapeOf(TensorSignature input, bool batches, int rows, IReadOnlyDictionary<string, long[]> shapes)
    {
        var declared = input.Shape.AsSpan()[(batches ? 1 : 0)..];
        if (!shapes.TryGetValue(input.Name, out var dims)) dims = [.. declared.ToArray().Select(size => Math.Max(1, size))];
        else if (!input.AnyRank && !TensorShape.Matches(declared, dims))
            throw Invalid($"shape of '{input.Name}': {TensorShape.Format(dims)} does not match {TensorShape.Format(declared)}");
        return batches ? [rows, .. dims] : dims;
    }

    private static InferenceTensor Create(TensorSignature input, long[] shape)
    {
        // Of strings all are empty.
        var size = input.DataType == DataType.Bytes ? BytesElements.PrefixSize : input.DataType.ElementSize();
        if (!TensorShape.TryGetElementCount(shape, out var count) || count > Array.MaxLength / size)
            throw Invalid($"shape of '{input.Name}': {TensorShape.Format(shape)} is more than a tensor of {Array.MaxLength} bytes");
        return input.DataType is DataType.Float32 or DataType.Float64
            ? WarmupTensor.Random(input.Name, input.DataType, shape)
            : WarmupTensor.Zeros(input.Name, input.DataType, shape);
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
