using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>Request bodies as the protocol's clients send them.</summary>
internal static class Bodies
{
    /// <summary>JSON without a Content-Type, as tritonclient sends it.</summary>
    public static HttpContent Json(string json) => new ByteArrayContent(Encoding.UTF8.GetBytes(json));

    /// <summary>An inference with one input of JSON data.</summary>
    public static string OneInput(string datatype, string shape, string data, string name = "INPUT0") =>
        $$"""{"inputs":[{"name":"{{name}}","datatype":"{{datatype}}","shape":{{shape}},"data":{{data}}}]}""";

    /// <summary>JSON and the blobs behind it, with the header that says where the JSON ends.</summary>
    public static HttpContent Binary(string json, params byte[][] blobs)
    {
        var head = Encoding.UTF8.GetBytes(json);
        return WithHeaderLength($"{head.Length}", [.. head, .. blobs.SelectMany(blob => blob)]);
    }

    /// <summary>One raw input.</summary>
    public static HttpContent Raw(byte[] body) => WithHeaderLength("0", body);

    /// <summary>One raw input of a length that is not announced.</summary>
    public static HttpContent RawStream(Stream body)
    {
        var content = new StreamContent(body);
        content.Headers.TryAddWithoutValidation(Answer.HeaderLength, "0");
        return content;
    }

    public static HttpContent WithHeaderLength(string length, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation(Answer.HeaderLength, length);
        return content;
    }

    public static HttpContent OfType(string contentType, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return content;
    }

    /// <summary>A body that does not say how long it is, and comes in pieces.</summary>
    public static HttpContent Chunked(byte[] body, int chunk = 1000) => new ChunkedContent(body, chunk);

    public static byte[] BytesOf<T>(params T[] values)
        where T : unmanaged =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(values).ToArray();

    private sealed class ChunkedContent(byte[] body, int chunk) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var piece in body.Chunk(chunk))
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
