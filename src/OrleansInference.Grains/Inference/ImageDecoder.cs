using OrleansInference.Engine.Repository;

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
            throw Invalid($"{place} is not a PNG or JPEG picture ({encoded.Length} bytes)");
        // The header is all that has been read so far; nothing is allocated for a size that only claims to be.
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > MaxPixels) throw Invalid($"{place} has {width} x {height} pixels, the limit is {MaxPixels} pixels");

        var color = image.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        using var decoded = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var result = codec.GetPixels(decoded.Info, decoded.GetPixels());
        if (result != SKCodecResult.Success) throw Invalid($"{place} cannot be decoded: {result}");

        using var turned = codec.EncodedOrigin == SKEncodedOrigin.TopLeft ? null : Orient(decoded, codec.EncodedOrigin);
        using var drawn = Draw(turned ?? decoded, image, color);
        Normalize(drawn, image, pixels);
    }

    /// <summary>Brings the picture to its size, on black where it is transparent.</summary>
    private static SKBitmap Draw(SKBitmap source, ImagePreprocessing image, SKColorType color)
    {
        var drawn = new SKBitmap(new SKImageInfo(image.Width, image.Height, color, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(drawn);
        canvas.Clear(SKColors.Black);
        // An immutable bitmap lends its pixels; of any other a copy would be made.
        source.SetImmutable();
        using var picture = SKImage.FromBitmap(source);
        // Mipmaps average all pixels when a picture shrinks; a bilinear filter alone would skip most of them.
        var sampling = source.Width == image.Width && source.Height == image.Height
            ? SKSamplingOptions.Default
            : new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear);
        canvas.DrawImage(picture, new SKRect(0, 0, image.Width, image.Height), sampling);
        return drawn;
    }

    /// <summary>Turns a photograph upright as its EXIF orientation says.</summary>
    private static SKBitmap Orient(SKBitmap bitmap, SKEncodedOrigin origin)
    {
        var swapped = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        float width = bitmap.Width, height = bitmap.Height;
        var upright = new SKBitmap(bitmap.Info.WithSize(swapped ? bitmap.Height : bitmap.Width, swapped ? bitmap.Width : bitmap.Height));
        using var canvas = new SKCanvas(upright);
        canvas.SetMatrix(origin switch
        {
            SKEncodedOrigin.TopRight => new SKMatrix(-1, 0, width, 0, 1, 0, 0, 0, 1),
            SKEncodedOrigin.BottomRight => new SKMatrix(-1, 0, width, 0, -1, height, 0, 0, 1),
            SKEncodedOrigin.BottomLeft => new SKMatrix(1, 0, 0, 0, -1, height, 0, 0, 1),
            SKEncodedOrigin.LeftTop => new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1),
            SKEncodedOrigin.RightTop => new SKMatrix(0, -1, height, 1, 0, 0, 0, 0, 1),
            SKEncodedOrigin.RightBottom => new SKMatrix(0, -1, height, -1, 0, width, 0, 0, 1),
            SKEncodedOrigin.LeftBottom => new SKMatrix(0, 1, 0, -1, 0, width, 0, 0, 1),
            _ => SKMatrix.Identity,
        });
        canvas.DrawBitmap(bitmap, 0, 0);
        return upright;
    }

    private static void Normalize(SKBitmap bitmap, ImagePreprocessing image, Span<float> pixels)
    {
        var bytes = bitmap.GetPixelSpan();
        var bytesPerPixel = bitmap.BytesPerPixel;
        var plane = image.Width * image.Height;
        for (var y = 0; y < image.Height; y++)
        {
            var row = bytes.Slice(y * bitmap.RowBytes, image.Width * bytesPerPixel);
            for (var x = 0; x < image.Width; x++)
            {
                for (var channel = 0; channel < image.Channels; channel++)
                {
                    var value = (row[x * bytesPerPixel + channel] * image.Factor - image.Mean[channel]) / image.Deviation[channel];
                    var pixel = y * image.Width + x;
                    pixels[image.ChannelsFirst ? channel * plane + pixel : pixel * image.Channels + channel] = value;
                }
            }
        }
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
