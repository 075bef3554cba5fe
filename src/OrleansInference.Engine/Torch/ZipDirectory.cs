using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// The directory of a zip archive, from its end. Of the entries only those are read that are asked for, so that an archive of gigabytes
/// is described without reading its weights.
/// </summary>
internal sealed class ZipDirectory
{
    public const uint EndSignature = 0x0605_4B50, End64Signature = 0x0606_4B50, Locator64Signature = 0x0706_4B50;
    public const int RecordSize = 46, End64Size = 56;

    /// <summary>Large enough for 500,000 entries, far more than any network has weights.</summary>
    private const int MaxBytes = 64 << 20;

    private const uint RecordSignature = 0x0201_4B50, EntrySignature = 0x0403_4B50;
    private const int EndSize = 22, Locator64Size = 20, EntryHeaderSize = 30, MaxCommentSize = ushort.MaxValue;
    private const int Stored = 0, Deflated = 8;

    private readonly Stream _file;
    private readonly List<ZipEntry> _entries = [];

    /// <exception cref="InvalidDataException">This is no zip archive, or a damaged one.</exception>
    public ZipDirectory(Stream file)
    {
        _file = file;
        var (start, length) = Find();
        if (length > MaxBytes) throw new InvalidDataException($"the directory of the zip archive has {length} bytes, over the limit of {MaxBytes}");
        Start = start;
        Bytes = new byte[length];
        file.Position = start;
        file.ReadExactly(Bytes);
        for (var at = 0; at < Bytes.Length;) at = ReadRecord(at);
    }

    /// <summary>Where it begins in the file.</summary>
    public long Start { get; }

    /// <summary>The records of all entries, as they are.</summary>
    public byte[] Bytes { get; }

    public IReadOnlyList<ZipEntry> Entries => _entries;

    /// <summary>The content of an entry.</summary>
    /// <exception cref="InvalidDataException">It is longer than the limit, or damaged.</exception>
    public byte[] Read(ZipEntry entry, int limit)
    {
        if (entry.Size > limit) throw new InvalidDataException($"'{entry.Name}' in the zip archive has {entry.Size} bytes, over the limit of {limit}");
        return ReadBeginning(entry, (int)entry.Size);
    }

    /// <summary>The first bytes of an entry; all where it has no more.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public byte[] ReadBeginning(ZipEntry entry, int length)
    {
        var header = ReadAt(entry.Offset, EntryHeaderSize);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != EntrySignature) throw Damaged();
        _file.Position = entry.Offset + EntryHeaderSize +
            BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(26)) + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(28));
        var content = new byte[(int)Math.Min(length, entry.Size)];
        switch (entry.Method)
        {
            case Stored:
                _file.ReadExactly(content);
                break;
            case Deflated:
                using (var inflated = new DeflateStream(_file, CompressionMode.Decompress, leaveOpen: true)) inflated.ReadExactly(content);
                break;
            default:
                throw Damaged();
        }

        return content;
    }

    private (long Start, long Length) Find()
    {
        var tail = ReadAt(Math.Max(0, _file.Length - MaxCommentSize - EndSize), (int)Math.Min(_file.Length, MaxCommentSize + EndSize));
        for (var at = tail.Length - EndSize; at >= 0; at--)
        {
            var end = tail.AsSpan(at);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature) continue;
            var position = _file.Length - tail.Length + at;
            var (start, length) = ((long)BinaryPrimitives.ReadUInt32LittleEndian(end[16..]), (long)BinaryPrimitives.ReadUInt32LittleEndian(end[12..]));
            if (start == uint.MaxValue || length == uint.MaxValue || BinaryPrimitives.ReadUInt16LittleEndian(end[10..]) == ushort.MaxValue)
                (start, length) = Find64(position) ?? (start, length);
            return start < 0 || length < 0 || start > position || length > position - start ? throw Damaged() : (start, length);
        }

        throw Damaged();
    }

    /// <summary>The place of the directory of a file that is too large for the numbers of old.</summary>
    private (long Start, long Length)? Find64(long end)
    {
        if (end < Locator64Size) return null;
        var locator = ReadAt(end - Locator64Size, Locator64Size);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Locator64Signature) return null;
        var end64 = ReadAt(BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8)), End64Size);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end64) != End64Signature) throw Damaged();
        return (BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(48)), BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(40)));
    }

    private int ReadRecord(int at)
    {
        var record = Bytes.AsSpan(at);
        if (record.Length < RecordSize || BinaryPrimitives.ReadUInt32LittleEndian(record) != RecordSignature) throw Damaged();
        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(record[28..]);
        var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(record[30..]);
        var length = RecordSize + nameLength + extraLength + BinaryPrimitives.ReadUInt16LittleEndian(record[32..]);
        if (record.Length < length) throw Damaged();
        var size = (long)BinaryPrimitives.ReadUInt32LittleEndian(record[24..]);
        var packed = (long)BinaryPrimitives.ReadUInt32LittleEndian(record[20..]);
        var offset = (long)BinaryPrimitives.ReadUInt32LittleEndian(record[42..]);
        var wide = Find64Numbers(record.Slice(RecordSize + nameLength, extraLength));
        if (size == uint.MaxValue) size = Take64(ref wide);
        if (packed == uint.MaxValue) Take64(ref wide);
        if (offset == uint.MaxValue) offset = Take64(ref wide);
        if (size < 0 || offset < 0 || offset > Start) throw Damaged();
        var name = Encoding.UTF8.GetString(record.Slice(RecordSize, nameLength));
        _entries.Add(new(name, BinaryPrimitives.ReadUInt16LittleEndian(record[10..]), size, offset, at, length));
        return at + length;
    }

    private static ReadOnlySpan<byte> Find64Numbers(ReadOnlySpan<byte> extra)
    {
        const int Numbers64 = 1, Header = 4;
        while (extra.Length >= Header)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - Header) break;
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == Numbers64) return extra.Slice(Header, length);
            extra = extra[(Header + length)..];
        }

        return [];
    }

    private static long Take64(ref ReadOnlySpan<byte> numbers)
    {
        if (numbers.Length < sizeof(long)) throw Damaged();
        var number = BinaryPrimitives.ReadInt64LittleEndian(numbers);
        numbers = numbers[sizeof(long)..];
        return number;
    }

    private byte[] ReadAt(long position, int length)
    {
        if (position < 0 || position > _file.Length - length) throw Damaged();
        var bytes = new byte[length];
        _file.Position = position;
        _file.ReadExactly(bytes);
        return bytes;
    }

    private static InvalidDataException Damaged() => new("the zip archive is cut short or damaged");
}

/// <summary>An entry of a zip archive.</summary>
/// <param name="Name">Its path.</param>
/// <param name="Method">How it is compressed.</param>
/// <param name="Size">The length of its content.</param>
/// <param name="Offset">Where it begins in the file.</param>
/// <param name="RecordAt">Where its record begins in the directory.</param>
/// <param name="RecordLength">The length of that.</param>
internal sealed record ZipEntry(string Name, int Method, long Size, long Offset, int RecordAt, int RecordLength);
