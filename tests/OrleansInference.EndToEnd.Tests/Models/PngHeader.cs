using System.Buffers.Binary;

using ICSharpCode.SharpZipLib.Checksum;

namespace OrleansInference.EndToEnd.Tests.Models;

/// <summary>Changes what a PNG says of itself.</summary>
internal static class PngHeader
{
    // Signature, length of the first chunk, its type IHDR, then its content: width, height and five bytes more. Its checksum is of type and content.
    private const int Type = 8 + 4;
    private const int Content = Type + 4;
    private const int Checksum = Content + 13;

    /// <summary>The same picture with another size in its header, which is sound in itself.</summary>
    public static byte[] Claim(byte[] png, int width, int height)
    {
        var claimed = png.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(claimed.AsSpan(Content), width);
        BinaryPrimitives.WriteInt32BigEndian(claimed.AsSpan(Content + 4), height);
        var checksum = new Crc32();
        checksum.Update(new ArraySegment<byte>(claimed, Type, Checksum - Type));
        BinaryPrimitives.WriteUInt32BigEndian(claimed.AsSpan(Checksum), (uint)checksum.Value);
        return claimed;
    }
}
