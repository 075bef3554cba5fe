using SkiaSharp;

namespace OrleansInference.Grains.Tests;

/// <summary>Pictures made for a test.</summary>
internal static class Pictures
{
    public static byte[] Png(int width, int height, SKColor color) => Encode(width, height, canvas => canvas.Clear(color));

    public static byte[] Encode(int width, int height, Action<SKCanvas> draw, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        using (var canvas = new SKCanvas(bitmap)) draw(canvas);
        using var data = bitmap.Encode(format, 100);
        return data.ToArray();
    }
}
