using System.Runtime.InteropServices;
using System.Text;

namespace OrleansInference.Tensors;

/// <summary>
/// A named tensor as it travels: its elements as bytes, in row-major order and little-endian, exactly as the protocol's binary form
/// and the runtimes hold them. Immutable: whoever makes one must not change <see cref="Data"/> afterwards, since calls within a
/// silo pass it by reference.
/// </summary>
/// <remarks>
/// The bytes are a field of a generated class, and not a parameter of their own, because Orleans copies and writes a bare
/// <c>ReadOnlyMemory&lt;byte&gt;</c> element by element.
/// </remarks>
[GenerateSerializer, Immutable, Alias("OrleansInference.Tensor")]
public sealed class InferenceTensor
{
    [Id(2)]
    private readonly long[] _shape;

    /// <summary>Makes a tensor of bytes that are already laid out as the datatype demands.</summary>
    /// <param name="name">The input's or output's name.</param>
    /// <param name="dataType">The element type.</param>
    /// <param name="shape">The dimensions, none negative.</param>
    /// <param name="data">The elements; for <see cref="DataType.Bytes"/> each preceded by its length.</param>
    /// <exception cref="ArgumentException">The bytes do not make exactly the elements that the shape asks for.</exception>
    public InferenceTensor(string name, DataType dataType, long[] shape, ReadOnlyMemory<byte> data)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        if (!TensorShape.TryGetElementCount(shape, out var count))
            throw new ArgumentException($"Shape {TensorShape.Format(shape)} of tensor '{name}' is not possible.", nameof(shape));
        if (dataType == DataType.Bytes)
        {
            BytesElements.Validate(name, data.Span, count);
        }
        else if (data.Length / dataType.ElementSize() != count || data.Length % dataType.ElementSize() != 0)
        {
            throw new ArgumentException(
                $"Tensor '{name}' of datatype {dataType.ToProtocolName()} and shape {TensorShape.Format(shape)} has {data.Length} bytes, " +
                $"expected {count} elements of {dataType.ElementSize()} bytes.",
                nameof(data));
        }

        Name = name;
        DataType = dataType;
        _shape = shape;
        Data = data;
    }

    /// <summary>The name of the input or output.</summary>
    [Id(0)]
    public string Name { get; }

    /// <summary>The element type.</summary>
    [Id(1)]
    public DataType DataType { get; }

    /// <summary>The dimensions, none negative; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => _shape;

    /// <summary>The elements, row-major and little-endian.</summary>
    [Id(3)]
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The number of elements.</summary>
    public long ElementCount => TensorShape.TryGetElementCount(_shape, out var count) ? count : 0;

    /// <summary>Makes a tensor from numbers, copying them.</summary>
    /// <typeparam name="T">A primitive number, <see cref="Half"/> or <see cref="bool"/>.</typeparam>
    /// <param name="name">The input's or output's name.</param>
    /// <param name="elements">The elements in row-major order.</param>
    /// <param name="shape">The dimensions; one dimension of all elements where none is given.</param>
    public static InferenceTensor Create<T>(string name, ReadOnlySpan<T> elements, params ReadOnlySpan<long> shape)
        where T : unmanaged =>
        new(name, DataTypes.Of<T>(), ShapeOr(shape, elements.Length), MemoryMarshal.AsBytes(elements).ToArray());

    /// <inheritdoc cref="Create{T}(string, ReadOnlySpan{T}, ReadOnlySpan{long})"/>
    public static InferenceTensor Create<T>(string name, T[] elements, params ReadOnlySpan<long> shape)
        where T : unmanaged =>
        Create<T>(name, elements.AsSpan(), shape);

    /// <summary>Makes a BYTES tensor from byte strings, copying them.</summary>
    /// <param name="name">The input's or output's name.</param>
    /// <param name="elements">The elements in row-major order.</param>
    /// <param name="shape">The dimensions; one dimension of all elements where none is given.</param>
    public static InferenceTensor FromBytes(string name, IReadOnlyList<ReadOnlyMemory<byte>> elements, params ReadOnlySpan<long> shape) =>
        new(name, DataType.Bytes, ShapeOr(shape, elements.Count), BytesElements.Encode(elements));

    /// <summary>Makes a BYTES tensor from strings, as UTF-8.</summary>
    /// <inheritdoc cref="FromBytes"/>
    public static InferenceTensor FromStrings(string name, IReadOnlyList<string> elements, params ReadOnlySpan<long> shape) =>
        FromBytes(name, [.. elements.Select(element => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(element))], shape);

    /// <summary>Reads the elements in place, without a copy.</summary>
    /// <typeparam name="T">The type that the datatype's elements have.</typeparam>
    /// <exception cref="InvalidOperationException">The tensor is of another datatype.</exception>
    public ReadOnlySpan<T> AsSpan<T>()
        where T : unmanaged
    {
        var asked = DataTypes.Of<T>();
        if (asked != DataType)
            throw new InvalidOperationException($"Tensor '{Name}' is of datatype {DataType.ToProtocolName()}, not {asked.ToProtocolName()}.");
        return MemoryMarshal.Cast<byte, T>(Data.Span);
    }

    /// <summary>Copies the elements into an array.</summary>
    /// <inheritdoc cref="AsSpan{T}"/>
    public T[] ToArray<T>()
        where T : unmanaged =>
        AsSpan<T>().ToArray();

    /// <summary>The elements of a BYTES tensor, without a copy.</summary>
    /// <exception cref="InvalidOperationException">The tensor is of another datatype.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> ToBytes()
    {
        if (DataType != DataType.Bytes)
            throw new InvalidOperationException($"Tensor '{Name}' is of datatype {DataType.ToProtocolName()}, not BYTES.");
        return BytesElements.Decode(Data);
    }

    /// <summary>The elements of a BYTES tensor, read as UTF-8.</summary>
    /// <inheritdoc cref="ToBytes"/>
    public IReadOnlyList<string> ToStrings() => [.. ToBytes().Select(element => Encoding.UTF8.GetString(element.Span))];

    /// <summary>The same elements under another name.</summary>
    public InferenceTensor Rename(string name) => name == Name ? this : new(name, DataType, _shape, Data);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {DataType.ToProtocolName()}{TensorShape.Format(_shape)}";

    private static long[] ShapeOr(ReadOnlySpan<long> shape, int count) => shape.IsEmpty ? [count] : shape.ToArray();
}
