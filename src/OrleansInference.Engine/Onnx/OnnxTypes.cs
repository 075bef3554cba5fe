using Microsoft.ML.OnnxRuntime.Tensors;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Onnx;

/// <summary>The protocol's datatypes in ONNX, which has all of them; its own <c>TensorProto.DataType</c> and the runtime's have equal numbers.</summary>
internal static class OnnxTypes
{
    private static readonly (DataType Ours, TensorElementType Theirs)[] Pairs =
    [
        (DataType.Bool, TensorElementType.Bool),
        (DataType.UInt8, TensorElementType.UInt8),
        (DataType.UInt16, TensorElementType.UInt16),
        (DataType.UInt32, TensorElementType.UInt32),
        (DataType.UInt64, TensorElementType.UInt64),
        (DataType.Int8, TensorElementType.Int8),
        (DataType.Int16, TensorElementType.Int16),
        (DataType.Int32, TensorElementType.Int32),
        (DataType.Int64, TensorElementType.Int64),
        (DataType.Float16, TensorElementType.Float16),
        (DataType.BFloat16, TensorElementType.BFloat16),
        (DataType.Float32, TensorElementType.Float),
        (DataType.Float64, TensorElementType.Double),
        (DataType.Bytes, TensorElementType.String),
    ];

    public static TensorElementType ToOnnx(this DataType dataType) => Array.Find(Pairs, pair => pair.Ours == dataType).Theirs;

    /// <summary>The datatype of a number in a file; null where the protocol has none.</summary>
    public static DataType? FromOnnx(long number)
    {
        foreach (var (ours, theirs) in Pairs)
        {
            if ((long)theirs == number) return ours;
        }

        return null;
    }

    public static string ToProtocolName(this TensorElementType type) => FromOnnx((long)type)?.ToProtocolName() ?? type.ToString();
}
