using System.Runtime.InteropServices;

namespace OrleansInference.Tensors;

/// <summary>The numbers of tensors of any type that has some.</summary>
public static class TensorNumbers
{
    /// <summary>The elements, as near as a double comes to them; of BOOL 0 and 1.</summary>
    /// <exception cref="NotSupportedException">They are byte strings.</exception>
    public static double[] ToDoubles(InferenceTensor tensor) => tensor.DataType switch
    {
        DataType.Bool => Convert<bool>(tensor, value => value ? 1 : 0),
        DataType.UInt8 => Convert<byte>(tensor, value => value),
        DataType.UInt16 => Convert<ushort>(tensor, value => value),
        DataType.UInt32 => Convert<uint>(tensor, value => value),
        DataType.UInt64 => Convert<ulong>(tensor, value => value),
        DataType.Int8 => Convert<sbyte>(tensor, value => value),
        DataType.Int16 => Convert<short>(tensor, value => value),
        DataType.Int32 => Convert<int>(tensor, value => value),
        DataType.Int64 => Convert<long>(tensor, value => value),
        DataType.Float16 => Convert<Half>(tensor, value => (double)value),
        DataType.BFloat16 => Convert<ushort>(tensor, value => BFloat16.ToSingle(value)),
        DataType.Float32 => Convert<float>(tensor, value => value),
        DataType.Float64 => Convert<double>(tensor, value => value),
        _ => throw new NotSupportedException($"Tensors of {tensor.DataType.ToProtocolName()} are no numbers."),
    };

    private static double[] Convert<T>(InferenceTensor tensor, Func<T, double> convert)
        where T : unmanaged
    {
        var elements = MemoryMarshal.Cast<byte, T>(tensor.Data.Span);
        var doubles = new double[elements.Length];
        for (var i = 0; i < doubles.Length; i++) doubles[i] = convert(elements[i]);
        return doubles;
    }
}
