using OrleansInference.Tensors;

using TorchSharp;

namespace OrleansInference.Engine.Torch;

/// <summary>Which of the protocol's datatypes torch has, and their names there.</summary>
internal static class TorchTypes
{
    private static readonly (DataType Ours, torch.ScalarType Theirs)[] Pairs =
    [
        (DataType.Bool, torch.ScalarType.Bool),
        (DataType.UInt8, torch.ScalarType.Byte),
        (DataType.Int8, torch.ScalarType.Int8),
        (DataType.Int16, torch.ScalarType.Int16),
        (DataType.Int32, torch.ScalarType.Int32),
        (DataType.Int64, torch.ScalarType.Int64),
        (DataType.Float16, torch.ScalarType.Float16),
        (DataType.BFloat16, torch.ScalarType.BFloat16),
        (DataType.Float32, torch.ScalarType.Float32),
        (DataType.Float64, torch.ScalarType.Float64),
    ];

    public static bool Supports(DataType dataType) => Array.Exists(Pairs, pair => pair.Ours == dataType);

    public static torch.ScalarType ToTorch(this DataType dataType) => Array.Find(Pairs, pair => pair.Ours == dataType).Theirs;

    public static string ToProtocolName(this torch.ScalarType type) =>
        Array.Exists(Pairs, pair => pair.Theirs == type)
            ? Array.Find(Pairs, pair => pair.Theirs == type).Ours.ToProtocolName()
            : type.ToString();
}
