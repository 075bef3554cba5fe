using System.Text;

namespace OrleansInference.Grains.Tests;

/// <summary>Writes a small sentencepiece model: a protobuf message with pieces, scores and the places of the special ones.</summary>
internal static class SentencePieceFile
{
    public const int Unigram = 1, Pairs = 2;

    private const int Normal = 1, Unknown = 2, Control = 3;

    /// <summary>The special ones are unk 0, s 1, /s 2 and pad 3; of the pieces, which follow, longer ones are likelier.</summary>
    public static byte[] Write(int algorithm, params string[] pieces)
    {
        using var file = new MemoryStream();
        WritePiece(file, "<unk>", 0, Unknown);
        WritePiece(file, "<s>", 0, Control);
        WritePiece(file, "</s>", 0, Control);
        WritePiece(file, "<pad>", 0, Control);
        foreach (var piece in pieces) WritePiece(file, piece, -10 + piece.Length, Normal);
        WriteMessage(file, 2, [.. Number(3, algorithm), .. Number(40, 0), .. Number(41, 1), .. Number(42, 2), .. Number(43, 3)]);
        // No table of characters: add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces.
        WriteMessage(file, 3, [.. Text(1, "identity"), .. Number(3, 1), .. Number(4, 1), .. Number(5, 1)]);
        return file.ToArray();
    }

    private static void WritePiece(MemoryStream file, string piece, float score, int type) =>
        WriteMessage(file, 1, [.. Text(1, piece), (2 << 3) | 5, .. BitConverter.GetBytes(score), .. Number(3, type)]);

    private static void WriteMessage(MemoryStream file, int field, byte[] message) => file.Write(Bytes(field, message));

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(int field, byte[] bytes) => [(byte)((field << 3) | 2), .. Varint(bytes.Length), .. bytes];

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static byte[] Varint(int value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
