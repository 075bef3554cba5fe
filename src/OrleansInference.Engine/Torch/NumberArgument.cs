using System.Globalization;
using System.Runtime.InteropServices;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Torch;

/// <summary>Makes the one number of which an argument is an <c>int</c>, <c>float</c> or <c>bool</c> out of a pass's inputs.</summary>
internal static class NumberArgument
{
    /// <param name="items">The inputs of each request.</param>
    /// <param name="input">Which of them.</param>
    /// <param name="network">What is expected of them.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: it is not one number, or not the same in all rows.</exception>
    public static object Read(IReadOnlyList<InferenceTensor[]> items, int input, ModelSignature network)
    {
        var first = items[0][input];
        foreach (var item in items)
        {
            var tensor = item[input];
            var rows = network.MaxBatchSize > 0 ? tensor.Shape[0] : 1;
            if (tensor.ElementCount != rows)
            {
                throw Invalid(
                    $"input '{tensor.Name}' with shape {TensorShape.Format(tensor.Shape)} has {tensor.ElementCount} elements for model " +
                    $"'{network.Model}', but forward takes 1{(network.MaxBatchSize > 0 ? " for each row" : "")}");
            }

            var size = tensor.DataType.ElementSize();
            for (var at = 0; at < tensor.Data.Length; at += size)
            {
                if (tensor.Data.Span.Slice(at, size).SequenceEqual(first.Data.Span[..size])) continue;
                var (one, other) = (Value(first, 0), Value(tensor, at));
                throw Invalid(string.Create(
                    CultureInfo.InvariantCulture,
                    $"input '{tensor.Name}' is {one} in one row and {other} in another for model '{network.Model}', but forward takes 1 value for all rows"));
            }
        }

        return Value(first, 0);
    }

    private static object Value(InferenceTensor tensor, int at)
    {
        var data = tensor.Data.Span[at..];
        return tensor.DataType switch
        {
            DataType.Bool => data[0] != 0,
            DataType.UInt8 => (long)data[0],
            DataType.Int8 => (long)(sbyte)data[0],
            DataType.Int16 => (long)MemoryMarshal.Read<short>(data),
            DataType.Int32 => (long)MemoryMarshal.Read<int>(data),
            DataType.Int64 => MemoryMarshal.Read<long>(data),
            DataType.Float16 => (double)MemoryMarshal.Read<Half>(data),
            DataType.BFloat16 => (double)BFloat16.ToSingle(MemoryMarshal.Read<ushort>(data)),
            DataType.Float32 => (double)MemoryMarshal.Read<float>(data),
            _ => MemoryMarshal.Read<double>(data),
        };
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
