using System.IO.Compression;

using Microsoft.AspNetCore.ResponseCompression;

namespace OrleansInference.AspNetCore.Compression;

/// <summary>HTTP's <c>deflate</c>, which is a zlib stream (RFC 9110, section 8.4.1.2) and not what <see cref="DeflateStream"/> writes.</summary>
internal sealed class DeflateCompressionProvider : ICompressionProvider
{
    public string EncodingName => "deflate";

    public bool SupportsFlush => true;

    public Stream CreateStream(Stream outputStream) => new ZLibStream(outputStream, CompressionLevel.Fastest, leaveOpen: true);
}
