using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>A tensor that preprocessing makes, row by row.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class RowsBuilder<T>
    where T : unmanaged
{
    private readonly string _name;
    private readonly int _count;
    private readonly long[] _shape;
    private readonly int _rowLength;
    private readonly byte[] _data;

    /// <param name="name">The network's input.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="shape">The shape of each.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.TooLarge"/>: no array gets as long.</exception>
    public RowsBuilder(string name, int count, params long[] shape)
    {
        (_name, _count, _shape) = (name, count, shape);
        var rowLength = 1L;
        foreach (var dimension in shape) rowLength *= dimension;
        var size = count * rowLength * Unsafe.SizeOf<T>();
        if (size > Array.MaxLength)
        {
            throw new InferenceException(
                InferenceError.TooLarge,
                $"{count} rows would be preprocessed to {size} bytes for input '{name}' of the network, the limit is {Array.MaxLength}");
        }

        _rowLength = (int)rowLength;
        _data = new byte[size];
    }

    /// <summary>The elements of one row, zeros at first.</summary>
    public Span<T> this[int row] => MemoryMarshal.Cast<byte, T>(_data.AsSpan()).Slice(row * _rowLength, _rowLength);

    public InferenceTensor ToTensor() => new(_name, DataTypes.Of<T>(), [_count, .. _shape], _data);
}
