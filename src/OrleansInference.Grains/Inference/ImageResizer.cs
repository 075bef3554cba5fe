using OrleansInference.Engine.Processing;

using SkiaSharp;

namespace OrleansInference.Grains.Inference;

/// <summary>Brings pictures to their size. What would be cut off is never drawn.</summary>
internal static class ImageResizer
{
    /// <summary>
    /// Of the whole resized picture, of which only a part is drawn. A line of pixels would become longer than coordinates reach.
    /// </summary>
    public const int MaxSide = 65_536;

    /// <param name="source">The picture, which is not changed any more.</param>
    /// <param name="image">The size, and how it is reached.</param>
    /// <param name="place">Names the picture in messages.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: it would become too long.</exception>
    public static SKBitmap Resize(SKBitmap source, ImagePreprocessing image, string place)
    {
        var resize = image.Resize;
        var (width, height) = Scale(source, resize);
        if (Math.Max(width, height) > MaxSide)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"{place} of {source.Width} x {source.Height} pixels would be resized to {width} x {height}, the limit is {MaxSide} a side");
        }

        var color = image.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        var drawn = new SKBitmap(new SKImageInfo(image.Width, image.Height, color, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(drawn);
        var target = SKRect.Create(Center(image.Width - width), Center(image.Height - height), width, height);
        canvas.Clear(new SKColor(resize.Fill, resize.Fill, resize.Fill));
        // What is transparent in the picture is black, whatever its borders are.
        using var black = new SKPaint { Color = SKColors.Black };
        canvas.DrawRect(target, black);
        // An immutable bitmap lends its pixels; of any other a copy would be made.
        source.SetImmutable();
        using var picture = SKImage.FromBitmap(source);
        canvas.DrawImage(picture, target, Sample(source, width, height, resize.Interpolation));
        return drawn;
    }

    /// <summary>The size of the whole picture once it is resized.</summary>
    private static (int Width, int Height) Scale(SKBitmap source, ImageResize resize)
    {
        long width = source.Width, height = source.Height;
        switch (resize.Mode)
        {
            case ResizeMode.Stretch:
                return (resize.Width, resize.Height);
            case ResizeMode.ShortestSide:
                // As torchvision rounds: down.
                return width <= height
                    ? (resize.Width, Saturate((double)(height * resize.Height / width)))
                    : (Saturate((double)(width * resize.Width / height)), resize.Height);
            default:
                var (x, y) = ((double)resize.Width / width, (double)resize.Height / height);
                var scale = resize.Mode == ResizeMode.Fit ? Math.Min(x, y) : Math.Max(x, y);
                // The side that decides gets its size to the pixel, and the other one at least a pixel.
                return (
                    scale == x ? resize.Width : Saturate(Math.Max(1, Math.Round(width * scale))),
                    scale == y ? resize.Height : Saturate(Math.Max(1, Math.Round(height * scale))));
        }
    }

    /// <summary>Where the picture starts, so that its middle is that of the tensor; halves go to the even pixel, as in torchvision.</summary>
    private static int Center(int room) => -(int)Math.Round(-room / 2.0);

    private static SKSamplingOptions Sample(SKBitmap source, int width, int height, ResizeInterpolation interpolation)
    {
        if (interpolation == ResizeInterpolation.Nearest || (source.Width == width && source.Height == height)) return SKSamplingOptions.Default;
        if (interpolation == ResizeInterpolation.Bicubic && width * 2L >= source.Width && height * 2L >= source.Height)
            return new(SKCubicResampler.CatmullRom);
        // Mipmaps average all pixels when a picture shrinks; a filter alone would skip most of them.
        return new(SKFilterMode.Linear, SKMipmapMode.Linear);
    }

    private static int Saturate(double value) => (int)Math.Min(value, int.MaxValue);
}
