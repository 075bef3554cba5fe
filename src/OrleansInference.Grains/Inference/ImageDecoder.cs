using System.Buffers.Text;

using OrleansInference.Engine.Processing;

using SkiaSharp;

namespace OrleansInference.Grains.Inference;

/// <summary>Decodes PNG and JPEG pictures to tensors of FP32, as an <see cref="ImagePreprocessing"/> says.</summary>
internal static class ImageDecoder
{
    /// <summary>A picture is decoded whole, at 4 bytes a pixel, before it is made smaller: 128 MB, and a third more while it shrinks.</summary>
    public const long MaxPixels = 32L * 1024 * 1024;

    /// <summary>Decodes a picture into the place of one row.</summary>
    /// <param name="encoded">The file's bytes.</param>
    /// <param name="image">What to make of it.</param>
    /// <param name="pixels">Takes channels * height * width values.</param>
    /// <param name="place">Names the picture in messages.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: no picture, or too large a one.</exception>
    public static void Decode(ReadOnlyMemory<byte> encoded, ImagePreprocessing image, Span<float> pixels, string place)
    {
        using var data = SKData.CreateCopy(encoded.Span);
        using var codec = SKCodec.Create(data);
        if (codec is null || codec.EncodedFormat is not (SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg))
        {
            // A short word is base64, too.
            var hint = encoded.Length > 64 && Base64.IsValid(encoded.Span) ? ", but looks like base64: send the file's own bytes, which JSON cannot carry, as a raw body or a binary tensor" : "";
            throw Invalid($"{place} is not a PNG or JPEG picture ({encoded.Length} bytes){hint}");
        }

        // The header is all that has been read so far; nothing is allocated for a size that only claims to be.
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > MaxPixels) throw Invalid($"{place} has {width} x {height} pixels, the limit is {MaxPixels} pixels");

        using var decoded = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var result = codec.GetPixels(decoded.Info, decoded.GetPixels());
        if (result != SKCodecResult.Success) throw Invalid($"{place} cannot be decoded: {result}");

        var isUpright = codec.EncodedOrigin == SKEncodedOrigin.TopLeft || !image.IsTurnedUpright;
        using var turned = isUpright ? null : ImageOrientation.TurnUpright(decoded, codec.EncodedOrigin);
        using var resized = ImageResizer.Resize(turned ?? decoded, image, place);
        Normalize(resized, image, pixels);
    }

    private static void Normalize(SKBitmap bitmap, ImagePreprocessing image, Span<float> pixels)
    {
        var bytes = bitmap.GetPixelSpan();
        var bytesPerPixel = bitmap.BytesPerPixel;
        float[] mean = [.. image.Mean], deviation = [.. image.Deviation];
        var plane = image.Width * image.Height;
        for (var y = 0; y < image.Height; y++)
        {
            var row = bytes.Slice(y * bitmap.RowBytes, image.Width * bytesPerPixel);
            for (var x = 0; x < image.Width; x++)
            {
                for (var channel = 0; channel < image.Channels; channel++)
                {
                    var value = (row[x * bytesPerPixel + channel] * image.Factor - mean[channel]) / deviation[channel];
                    var pixel = y * image.Width + x;
                    pixels[image.ChannelsFirst ? channel * plane + pixel : pixel * image.Channels + channel] = value;
                }
            }
        }
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
