using System.Numerics.Tensors;
using System.Runtime.InteropServices;

using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Pure: looks for what is not a number.</summary>
internal static class NaN
{
    public static bool IsIn(InferenceTensor tensor) => tensor.DataType switch
    {
        DataType.Float16 => TensorPrimitives.IsNaNAny(tensor.AsSpan<Half>()),
        DataType.BFloat16 => HasNaN(MemoryMarshal.Cast<byte, ushort>(tensor.Data.Span)),
        DataType.Float32 => TensorPrimitives.IsNaNAny(tensor.AsSpan<float>()),
        DataType.Float64 => TensorPrimitives.IsNaNAny(tensor.AsSpan<double>()),
        _ => false,
    };

    private static bool HasNaN(ReadOnlySpan<ushort> values)
    {
        foreach (var value in values)
        {
            if (float.IsNaN(BFloat16.ToSingle(value))) return true;
        }

        return false;
    }
}
