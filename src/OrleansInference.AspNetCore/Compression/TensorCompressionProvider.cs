using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace OrleansInference.AspNetCore.Compression;

/// <summary>
/// Compresses the answers to inferences that are large enough to gain by it. Python's HTTP clients accept compression always, asked or
/// not: compressing their small answers would cost time at both ends and save nothing.
/// </summary>
internal sealed class TensorCompressionProvider(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
    : ResponseCompressionProvider(services, options)
{
    /// <summary>From here on compression is worth its time; a network packet holds little more.</summary>
    public const int MinimumBytes = 1024;

    private static readonly object Key = new();

    /// <summary>Says how large an answer is going to be, before its first byte is written.</summary>
    public static void Announce(HttpContext context, long bytes)
    {
        if (bytes >= MinimumBytes) context.Items[Key] = true;
    }

    /// <inheritdoc/>
    public override bool ShouldCompressResponse(HttpContext context) => context.Items.ContainsKey(Key);
}
