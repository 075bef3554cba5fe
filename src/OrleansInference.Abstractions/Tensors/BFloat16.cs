namespace OrleansInference.Tensors;

/// <summary>The elements of BF16 tensors: the upper halves of FP32, for which the framework has no type.</summary>
public static class BFloat16
{
    /// <summary>The number that an element stands for, exactly.</summary>
    public static float ToSingle(ushort element) => BitConverter.UInt32BitsToSingle((uint)element << 16);

    /// <summary>The nearest element, of two as near the even one. A NaN stays one: what is added to round could make an infinity of it.</summary>
    public static ushort FromSingle(float number)
    {
        var bits = BitConverter.SingleToUInt32Bits(number);
        return float.IsNaN(number) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
