namespace OrleansInference.Engine.Onnx;

/// <summary>
/// Walks the fields of a message in a stream, in the wire format of Protocol Buffers. What is not asked for is skipped by seeking, so that
/// a file of gigabytes is described without reading its weights; nothing is held.
/// </summary>
/// <param name="stream">A stream that can seek.</param>
internal sealed class ProtobufFields(Stream stream)
{
    private const int MaxVarintBytes = 10;

    private enum Wire
    {
        Varint = 0,
        Fixed64 = 1,
        Delimited = 2,
        Fixed32 = 5,
    }

    public long Position
    {
        get => stream.Position;
        set => stream.Position = value;
    }

    /// <summary>Calls back for each field of the message that ends there.</summary>
    /// <param name="end">Where the message ends.</param>
    /// <param name="nested">
    /// Gets the field's number, and where the message, text or bytes at the stream's position end. What it leaves unread is skipped.
    /// </param>
    /// <param name="number">Gets the field's number and its value, where that is a varint.</param>
    /// <exception cref="InvalidDataException">This is no such message.</exception>
    public void Visit(long end, Action<int, long> nested, Action<int, long>? number = null)
    {
        while (Position < end)
        {
            var at = Position;
            var tag = ReadVarint(end);
            var (field, wire) = (tag >> 3, (Wire)(tag & 7));
            if (field is < 1 or > 0x1FFF_FFFF) throw new InvalidDataException($"byte {at} begins no field of a protobuf message");
            var value = wire switch
            {
                Wire.Varint => ReadVarint(end),
                Wire.Delimited => ReadVarint(end),
                Wire.Fixed64 => sizeof(long),
                Wire.Fixed32 => sizeof(int),
                _ => throw new InvalidDataException($"byte {at} begins no field of a protobuf message"),
            };
            if (wire == Wire.Varint)
            {
                number?.Invoke((int)field, value);
                continue;
            }

            if (value < 0 || value > end - Position)
            {
                throw new InvalidDataException(
                    $"the file is cut short or damaged: at byte {at} a field of {(ulong)value} bytes begins where {end - Position} are left");
            }

            var next = Position + value;
            if (wire == Wire.Delimited) nested((int)field, next);
            Position = next;
        }
    }

    /// <summary>A text from here to its end.</summary>
    /// <exception cref="InvalidDataException">It is longer than any name should be.</exception>
    public string ReadText(long end, int limit)
    {
        var length = end - Position;
        if (length > limit) throw new InvalidDataException($"a name of {length} bytes is over the limit of {limit}");
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    private long ReadVarint(long end)
    {
        var value = 0UL;
        for (var i = 0; i < MaxVarintBytes && Position < end; i++)
        {
            var next = stream.ReadByte();
            if (next < 0) break;
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80) return (long)value;
        }

        throw new InvalidDataException($"the file is cut short or damaged: at byte {Position} a number does not end");
    }
}
