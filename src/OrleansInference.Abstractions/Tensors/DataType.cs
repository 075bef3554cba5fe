namespace OrleansInference.Tensors;

/// <summary>
/// Element type of a tensor, as the Open Inference Protocol names them. The values travel between processes: never renumber.
/// </summary>
public enum DataType
{
    /// <summary>One byte per element, 0 or 1. On the wire <c>BOOL</c>.</summary>
    Bool = 0,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8 = 1,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16 = 2,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32 = 3,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64 = 4,

    /// <summary>Signed 8-bit integer.</summary>
    Int8 = 5,

    /// <summary>Signed 16-bit integer.</summary>
    Int16 = 6,

    /// <summary>Signed 32-bit integer.</summary>
    Int32 = 7,

    /// <summary>Signed 64-bit integer.</summary>
    Int64 = 8,

    /// <summary>IEEE 754 binary16. On the wire <c>FP16</c>.</summary>
    Float16 = 9,

    /// <summary>The upper half of an IEEE 754 binary32. On the wire <c>BF16</c>.</summary>
    BFloat16 = 10,

    /// <summary>IEEE 754 binary32. On the wire <c>FP32</c>.</summary>
    Float32 = 11,

    /// <summary>IEEE 754 binary64. On the wire <c>FP64</c>.</summary>
    Float64 = 12,

    /// <summary>Byte strings of any length, each preceded by its length as a little-endian 32-bit integer.</summary>
    Bytes = 13,
}
