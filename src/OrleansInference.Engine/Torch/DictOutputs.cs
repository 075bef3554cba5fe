using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// Makes a module that returns a dict one that TorchSharp can run, which takes no dicts out of libtorch: a copy of its archive, in which its class
/// has one more method, that calls <c>forward</c> and returns the tensors of given keys as a list.
/// </summary>
internal static class DictOutputs
{
    public const string Method = "_outputs_as_list";

    /// <summary>How the reason begins why a key's tensor cannot be had.</summary>
    public const string MissingKey = "forward returned a dict without";

    private const int NameLengthAt = 28, ExtraLengthAt = 30, OffsetAt = 42;

    /// <param name="path">The archive.</param>
    /// <param name="target">The copy; it must not be there.</param>
    /// <param name="keys">The keys, in the order of the list.</param>
    /// <exception cref="InvalidDataException">This is no archive of TorchScript, or one whose source is not understood.</exception>
    public static void Write(string path, string target, IEnumerable<string> keys)
    {
        using var file = File.OpenRead(path);
        var archive = new ZipDirectory(file);
        if (TorchArchive.FindSource(archive) is not { Schema: { } schema } source)
            throw new InvalidDataException("the source of its forward is not understood");
        var text = source.Text.Insert(source.ForwardAt, WriteMethod(source.Text.AsSpan(source.ForwardAt), schema, keys));
        var entry = Pack(source.Entry.Name, text);

        // All that is there stays where it is. Behind it comes the new source, and a directory that names that in place of the old.
        using var copy = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
        file.Position = 0;
        Copy(file, copy, archive.Start);
        entry.Position = 0;
        var packed = new ZipDirectory(entry);
        entry.Position = 0;
        Copy(entry, copy, packed.Start);
        var start = copy.Position;
        var (before, after) = (source.Entry.RecordAt, source.Entry.RecordAt + source.Entry.RecordLength);
        copy.Write(archive.Bytes.AsSpan(0, before));
        WriteRecord(copy, packed.Bytes, archive.Start);
        copy.Write(archive.Bytes.AsSpan(after));
        WriteEnd(copy, archive.Entries.Count, start);
    }

    private static string WriteMethod(ReadOnlySpan<char> forward, ForwardSchema schema, IEnumerable<string> keys)
    {
        const string Result = "_forwarded_dict";
        var parameters = forward[(forward.IndexOf('(') + 1)..];
        SourceText.Split(parameters, ')', out var end);
        var arguments = string.Concat(schema.Arguments.Select(argument => $"{argument.Name}, "));
        var method = new StringBuilder($"  def {Method}({parameters[..end]}) -> List[Tensor]:\n    {Result} = ({schema.Self}).forward({arguments})\n");
        foreach (var key in keys)
        {
            method.Append($"    if torch.__contains__({Result}, {Quote(key)}):\n      pass\n    else:\n");
            method.Append($"      ops.prim.RaiseException(torch.format(\"{MissingKey} '{{}}': its keys are {{}}\", {Quote(key)}, torch.keys({Result})))\n");
        }

        return method.Append($"    return [{string.Join(", ", keys.Select(key => $"{Result}[{Quote(key)}]"))}]\n").ToString();
    }

    /// <summary>A text as the source has it, whatever characters it consists of.</summary>
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet is >= 0x20 and < 0x7F and not ((byte)'"' or (byte)'\\')) quoted.Append((char)octet);
            else quoted.Append('\\').Append((char)('0' + (octet >> 6))).Append((char)('0' + ((octet >> 3) & 7))).Append((char)('0' + (octet & 7)));
        }

        return quoted.Append('"').ToString();
    }

    private static MemoryStream Pack(string name, string text)
    {
        var packed = new MemoryStream();
        using var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true);
        using var content = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        content.Write(Encoding.UTF8.GetBytes(text));
        return packed;
    }

    private static void Copy(Stream source, FileStream target, long length)
    {
        var buffer = new byte[1 << 20];
        while (length > 0)
        {
            var read = source.Read(buffer, 0, (int)Math.Min(length, buffer.Length));
            if (read == 0) throw new EndOfStreamException("the file became shorter while it was read");
            target.Write(buffer.AsSpan(0, read));
            length -= read;
        }
    }

    /// <summary>The record of an entry that begins elsewhere, perhaps behind the first 4 GiB.</summary>
    private static void WriteRecord(FileStream target, ReadOnlySpan<byte> record, long offset)
    {
        Span<byte> extra = [1, 0, sizeof(long), 0, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt64LittleEndian(extra[4..], offset);
        var fixedPart = record[..ZipDirectory.RecordSize].ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(fixedPart.AsSpan(ExtraLengthAt), (ushort)extra.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart.AsSpan(OffsetAt), uint.MaxValue);
        target.Write(fixedPart);
        target.Write(record.Slice(ZipDirectory.RecordSize, BinaryPrimitives.ReadUInt16LittleEndian(record[NameLengthAt..])));
        target.Write(extra);
    }

    /// <summary>The end of the directory, in the form for files of any size.</summary>
    private static void WriteEnd(FileStream target, long entries, long start)
    {
        const int Version = 45;
        var end64 = target.Position;
        using var writer = new BinaryWriter(target, Encoding.UTF8, leaveOpen: true);
        writer.Write(ZipDirectory.End64Signature);
        writer.Write((long)(ZipDirectory.End64Size - 12));
        writer.Write((ushort)Version);
        writer.Write((ushort)Version);
        writer.Write(0L);
        writer.Write(entries);
        writer.Write(entries);
        writer.Write(end64 - start);
        writer.Write(start);
        writer.Write(ZipDirectory.Locator64Signature);
        writer.Write(0);
        writer.Write(end64);
        writer.Write(1);
        writer.Write(ZipDirectory.EndSignature);
        writer.Write(0);
        writer.Write(uint.MaxValue);
        writer.Write(uint.MaxValue);
        writer.Write(uint.MaxValue);
        writer.Write((ushort)0);
    }
}
