using System.Buffers.Binary;

namespace OrleansInference.Tensors;

/// <summary>The layout of BYTES tensors: every element is a little-endian 32-bit length and then that many bytes.</summary>
public static class BytesElements
{
    /// <summary>The bytes before each element.</summary>
    public const int PrefixSize = sizeof(uint);

    /// <summary>Lays out byte strings one after the other.</summary>
    public static byte[] Encode(IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        var size = 0;
        foreach (var element in elements) size = checked(size + PrefixSize + element.Length);
        var data = new byte[size];
        var rest = data.AsSpan();
        foreach (var element in elements)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)element.Length);
            element.Span.CopyTo(rest[PrefixSize..]);
            rest = rest[(PrefixSize + element.Length)..];
        }

        return data;
    }

    /// <summary>Slices the elements out of data that <see cref="Validate"/> has accepted.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Decode(ReadOnlyMemory<byte> data)
    {
        var elements = new List<ReadOnlyMemory<byte>>();
        while (!data.IsEmpty)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(data.Span);
            elements.Add(data.Slice(PrefixSize, length));
            data = data[(PrefixSize + length)..];
        }

        return elements;
    }

    /// <summary>The bytes of the first elements of data that <see cref="Validate"/> has accepted.</summary>
    /// <param name="data">The laid-out elements.</param>
    /// <param name="count">How many; all of them must be there.</param>
    public static int Measure(ReadOnlySpan<byte> data, long count)
    {
        var length = 0;
        for (; count > 0; count--) length += PrefixSize + (int)BinaryPrimitives.ReadUInt32LittleEndian(data[length..]);
        return length;
    }

    /// <summary>Checks that the data is exactly <paramref name="count"/> elements, allocating nothing.</summary>
    /// <param name="name">The tensor's name, for the message.</param>
    /// <param name="data">The laid-out elements.</param>
    /// <param name="count">How many elements there must be.</param>
    /// <exception cref="ArgumentException">The data is cut short, or has more or fewer elements.</exception>
    public static void Validate(string name, ReadOnlySpan<byte> data, long count)
    {
        long found = 0;
        var rest = data;
        while (!rest.IsEmpty)
        {
            if (rest.Length < PrefixSize)
                throw new ArgumentException($"Tensor '{name}' ends {rest.Length} bytes into the length of element {found}.", nameof(data));
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            rest = rest[PrefixSize..];
            if (length > rest.Length)
            {
                throw new ArgumentException(
                    $"Tensor '{name}': element {found} claims {length} bytes, but {rest.Length} are left.", nameof(data));
            }

            rest = rest[(int)length..];
            found++;
        }

        if (found != count)
            throw new ArgumentException($"Tensor '{name}' has {found} elements, but its shape asks for {count}.", nameof(data));
    }
}
