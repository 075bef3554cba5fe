using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace OrleansInference.Tensors;

/// <summary>Names and sizes of <see cref="DataType"/> values.</summary>
public static class DataTypes
{
    private static readonly string[] Names =
        ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES"];

    private static readonly int[] Sizes = [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 0];

    private static readonly FrozenDictionary<string, DataType> ByName =
        Names.Select((name, index) => (name, (DataType)index)).ToFrozenDictionary(pair => pair.name, pair => pair.Item2, StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, DataType> ByType = new Dictionary<Type, DataType>
    {
        [typeof(bool)] = DataType.Bool,
        [typeof(byte)] = DataType.UInt8,
        [typeof(ushort)] = DataType.UInt16,
        [typeof(uint)] = DataType.UInt32,
        [typeof(ulong)] = DataType.UInt64,
        [typeof(sbyte)] = DataType.Int8,
        [typeof(short)] = DataType.Int16,
        [typeof(int)] = DataType.Int32,
        [typeof(long)] = DataType.Int64,
        [typeof(Half)] = DataType.Float16,
        [typeof(float)] = DataType.Float32,
        [typeof(double)] = DataType.Float64,
    }.ToFrozenDictionary();

    /// <summary>The names of all datatypes, as the protocol spells them.</summary>
    public static IReadOnlyList<string> AllNames => Names;

    /// <summary>The protocol's name, such as <c>FP32</c>.</summary>
    public static string ToProtocolName(this DataType dataType) => Names[(int)dataType];

    /// <summary>Bytes per element; 0 for <see cref="DataType.Bytes"/>, whose elements differ in length.</summary>
    public static int ElementSize(this DataType dataType) => Sizes[(int)dataType];

    /// <summary>Whether the elements are floating-point numbers, which alone may be NaN or infinite.</summary>
    public static bool IsFloatingPoint(this DataType dataType) => dataType is >= DataType.Float16 and <= DataType.Float64;

    /// <summary>Finds a datatype by the protocol's name, case-sensitively.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out DataType dataType)
    {
        dataType = default;
        return name is not null && ByName.TryGetValue(name, out dataType);
    }

    /// <summary>The datatype whose elements have the layout of <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No datatype has elements of that type.</exception>
    public static DataType Of<T>()
        where T : unmanaged =>
        ByType.TryGetValue(typeof(T), out var dataType)
            ? dataType
            : throw new NotSupportedException($"No tensor datatype has elements of type {typeof(T).Name}.");
}
