using System.Runtime.InteropServices;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>A number as an element of a tensor.</summary>
internal static class PaddingValue
{
    /// <summary>The element's bits; false where the datatype has no such value, or only an infinite one.</summary>
    public static bool TryGetBits(DataType type, double value, out ulong bits)
    {
        (var isValue, bits) = type switch
        {
            DataType.Bool => Integer(0, 1),
            DataType.UInt8 => Integer(byte.MinValue, byte.MaxValue),
            DataType.UInt16 => Integer(ushort.MinValue, ushort.MaxValue),
            DataType.UInt32 => Integer(uint.MinValue, uint.MaxValue),
            DataType.UInt64 => (value >= 0 && value < ulong.MaxValue && double.IsInteger(value), (ulong)value),
            DataType.Int8 => Integer(sbyte.MinValue, sbyte.MaxValue),
            DataType.Int16 => Integer(short.MinValue, short.MaxValue),
            DataType.Int32 => Integer(int.MinValue, int.MaxValue),
            // As a double the largest 64-bit integer is one more than itself.
            DataType.Int64 => (value >= long.MinValue && value < long.MaxValue && double.IsInteger(value), (ulong)(long)value),
            DataType.Float16 => (Half.IsFinite((Half)value), BitConverter.HalfToUInt16Bits((Half)value)),
            DataType.BFloat16 => RoundToBFloat16((float)value),
            DataType.Float32 => (float.IsFinite((float)value), BitConverter.SingleToUInt32Bits((float)value)),
            DataType.Float64 => (double.IsFinite(value), BitConverter.DoubleToUInt64Bits(value)),
            _ => (false, 0ul),
        };
        return isValue;

        (bool IsValue, ulong Bits) Integer(long minimum, long maximum) =>
            (value >= minimum && value <= maximum && double.IsInteger(value), unchecked((ulong)(long)value));
    }

    /// <summary>Fills whole elements.</summary>
    public static void Fill(Span<byte> elements, int elementSize, ulong bits)
    {
        switch (elementSize)
        {
            case sizeof(byte):
                elements.Fill((byte)bits);
                break;
            case sizeof(ushort):
                MemoryMarshal.Cast<byte, ushort>(elements).Fill((ushort)bits);
                break;
            case sizeof(uint):
                MemoryMarshal.Cast<byte, uint>(elements).Fill((uint)bits);
                break;
            default:
                MemoryMarshal.Cast<byte, ulong>(elements).Fill(bits);
                break;
        }
    }

    private static (bool IsValue, ulong Bits) RoundToBFloat16(float value)
    {
        var rounded = BFloat16.FromSingle(value);
        return (float.IsFinite(value) && float.IsFinite(BFloat16.ToSingle(rounded)), rounded);
    }
}
