using OrleansInference.Engine.Processing;
using OrleansInference.Grains.Inference;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class ImageResizerTests
{
    /// <summary>Four columns of two pixels: 10, 20, 30, 40.</summary>
    private static readonly byte[] Columns = Gray(4, 2, (x, _) => (byte)(10 * (x + 1)));

    [Fact]
    public void Torchvisions_recipe_gives_the_values_computed_by_hand()
    {
        // Resize(2), CenterCrop(2), ToTensor(), Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]): the shorter side has 2 pixels
        // already, and the crop starts at round((4 - 2) / 2) = 1.
        using var model = new ProcessedModel(
            """
            "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}],
            "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
            "preprocessing": [{"input": "image", "output": "x", "steps": [
              {"step": "decode_image"}, {"step": "resize", "mode": "shortest_side", "size": 2},
              {"step": "center_crop", "width": 2, "height": 2}, {"step": "scale", "factor": 0.00392156862745098},
              {"step": "normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}]}]
            """);

        var x = Assert.Single(model.Preprocess(Tensors.InferenceTensor.FromBytes("image", [Columns], 1, 1)));

        Assert.Equal([1, 3, 2, 2], x.Shape.ToArray());
        // (20 / 255 - 0.485) / 0.229 = -1.7754, (30 / 255 - 0.485) / 0.229 = -1.6042, and so on.
        float[] expected =
        [
            -1.77541f, -1.60416f, -1.77541f, -1.60416f, -1.68557f, -1.51050f, -1.68557f, -1.51050f, -1.45586f, -1.28157f, -1.45586f, -1.28157f,
        ];
        Assert.All(x.ToArray<float>().Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
    }

    [Theory]
    [InlineData(ResizeMode.Fit, 4, 6, new float[] { 7, 7, 7, 7, 7, 7, 7, 7, 10, 20, 30, 40, 10, 20, 30, 40, 7, 7, 7, 7, 7, 7, 7, 7 })]
    [InlineData(ResizeMode.Fit, 6, 2, new float[] { 7, 10, 20, 30, 40, 7, 7, 10, 20, 30, 40, 7 })]
    [InlineData(ResizeMode.Cover, 2, 2, new float[] { 20, 30, 20, 30 })]
    [InlineData(ResizeMode.ShortestSide, 2, 2, new float[] { 20, 30, 20, 30 })]
    public void Proportions_stay_and_the_middle_is_the_middle(ResizeMode mode, int width, int height, float[] expected) =>
        Assert.Equal(expected, Resize(Columns, new(mode, width, height, Fill: (byte)(mode == ResizeMode.Fit ? 7 : 0)), width, height));

    [Fact]
    public void The_longer_side_is_rounded_down_and_the_crop_starts_at_the_even_pixel_as_in_torchvision()
    {
        // 3 x 5 with its shorter side at 3 is as it was; 2 rows of 5 start at round(1.5) = 2.
        var rows = Gray(3, 5, (_, y) => (byte)(10 * (y + 1)));

        Assert.Equal([30, 40], Resize(rows, new(ResizeMode.ShortestSide, 3, 3), 1, 2));
        // 5 x 3 at 2: the longer side gets 3.33, which is 3, of which all are taken.
        Assert.Equal([200, 200, 200], Resize(Gray(5, 3, (_, _) => 200), new(ResizeMode.ShortestSide, 2, 2), 3, 1));
    }

    [Theory]
    [InlineData(ResizeMode.Stretch)]
    [InlineData(ResizeMode.Fit)]
    [InlineData(ResizeMode.Cover)]
    public void A_picture_of_one_color_keeps_it_to_the_edge_whatever_becomes_of_its_size(ResizeMode mode)
    {
        ResizeInterpolation[] all = [ResizeInterpolation.Bilinear, ResizeInterpolation.Nearest, ResizeInterpolation.Bicubic];
        foreach (var interpolation in all)
        {
            Assert.All(Resize(Gray(10, 10, (_, _) => 77), new(mode, 7, 7, interpolation), 7, 7), value => Assert.Equal(77, value, 1f));
            Assert.All(Resize(Gray(10, 10, (_, _) => 77), new(mode, 33, 33, interpolation), 33, 33), value => Assert.Equal(77, value, 1f));
        }
    }

    [Fact]
    public void Interpolations_differ_where_a_picture_grows()
    {
        var edge = Gray(4, 1, (x, _) => (byte)(x < 2 ? 50 : 200));

        var nearest = Resize(edge, new(ResizeMode.Stretch, 16, 1, ResizeInterpolation.Nearest), 16, 1);
        var bilinear = Resize(edge, new(ResizeMode.Stretch, 16, 1), 16, 1);
        var bicubic = Resize(edge, new(ResizeMode.Stretch, 16, 1, ResizeInterpolation.Bicubic), 16, 1);

        Assert.Equal([50f, 200], nearest.Distinct());
        Assert.Contains(bilinear, value => value is > 60 and < 190);
        Assert.All(bilinear, value => Assert.InRange(value, 50, 200));
        // Only a cubic one overshoots before an edge.
        Assert.Contains(bicubic, value => value < 45);
    }

    [Fact]
    public void What_is_transparent_is_black_also_where_borders_are_not()
    {
        var clear = Pictures.Encode(2, 1, canvas => canvas.Clear(SKColors.Transparent));

        Assert.Equal([255, 255, 0, 0, 255, 255], Resize(clear, new(ResizeMode.Fit, 2, 3, Fill: 255), 2, 3));
    }

    [Fact]
    public void A_line_of_pixels_may_become_as_long_as_the_limit_and_no_longer()
    {
        var (limit, beyond) = (Gray(4096, 1, (_, _) => 9), Gray(4097, 1, (_, _) => 9));
        var resize = new ImageResize(ResizeMode.ShortestSide, 16, 16);

        Assert.All(Resize(limit, resize, 16, 16), value => Assert.Equal(9, value));
        var exception = Assert.Throws<InferenceException>(() => Resize(beyond, resize, 16, 16));
        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains("the picture of 4097 x 1 pixels would be resized to 65552 x 16, the limit is 65536", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Resize(byte[] encoded, ImageResize resize, int width, int height)
    {
        var pixels = new float[width * height];
        ImageDecoder.Decode(encoded, new("image", "x", 1, resize, width, height), pixels, "the picture");
        return pixels;
    }

    private static byte[] Gray(int width, int height, Func<int, int, byte> value)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Gray8, SKAlphaType.Opaque);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++) bitmap.GetPixelSpan()[y * bitmap.RowBytes + x] = value(x, y);
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
