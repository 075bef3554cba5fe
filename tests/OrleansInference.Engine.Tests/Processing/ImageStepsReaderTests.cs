using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Tests.Repository;

namespace OrleansInference.Engine.Tests.Processing;

public sealed class ImageStepsReaderTests : IDisposable
{
    private const string Decode = """{"step": "decode_image"}, """;
    private const string To8 = Decode + """{"step": "resize", "width": 8, "height": 8}""";

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Steps_become_one_description()
    {
        var image = Read(
            """
            {"step": "decode_image", "color": "rgb"}, {"step": "resize", "width": 32, "height": 16}, {"step": "scale", "factor": 0.5},
            {"step": "normalize", "mean": [1, 2, 3], "std": [4, 5, 6]}, {"step": "layout", "order": "HWC"}
            """);

        Assert.Equal([16, 32, 3], image.Shape);
        Assert.Equal(new(ResizeMode.Stretch, 32, 16), image.Resize);
        Assert.True(image.IsTurnedUpright);
        Assert.Equal(0.5f, image.Factor);
        Assert.Equal([1f, 2, 3], image.Mean);
        Assert.Equal([4f, 5, 6], image.Deviation);
    }

    [Fact]
    public void The_shortest_side_and_a_crop_are_described_as_torchvision_has_them()
    {
        var image = Read(
            """
            {"step": "decode_image", "orientation": "ignore"},
            {"step": "resize", "mode": "shortest_side", "size": 256, "interpolation": "bicubic"},
            {"step": "center_crop", "width": 224, "height": 192}
            """);

        Assert.Equal(new(ResizeMode.ShortestSide, 256, 256, ResizeInterpolation.Bicubic), image.Resize);
        Assert.Equal([3, 192, 224], image.Shape);
        Assert.False(image.IsTurnedUpright);
    }

    [Fact]
    public void What_lies_beside_a_fitted_picture_has_the_value_given() =>
        Assert.Equal(
            new(ResizeMode.Fit, 8, 4, ResizeInterpolation.Nearest, 114),
            Read(Decode + """{"step": "resize", "mode": "fit", "width": 8, "height": 4, "fill": 114, "interpolation": "nearest"}""").Resize);

    [Theory]
    [InlineData("""{"step": "resize", "width": 8, "height": 8}""", "'decode_image' is missing")]
    [InlineData("""{"step": "decode_image"}""", "'resize' is missing")]
    [InlineData("""{"step": "resize", "width": 8, "height": 8}, {"step": "decode_image"}""", "out of place")]
    [InlineData(To8 + """, {"step": "rotate"}""", "'rotate' is not one of")]
    [InlineData(Decode + """{"step": "resize", "width": 99999, "height": 8}""", "99999 is not an integer")]
    [InlineData(To8 + """, {"step": "normalize", "mean": [1], "std": [1]}""", "3 channels")]
    [InlineData(To8 + """, {"step": "normalize", "mean": [1, 1, 1], "std": [1, 0, 1]}""", "0 cannot divide")]
    [InlineData("""{"step": "decode_image", "orientation": "left"}""", "orientation: \"left\" is not one of exif, ignore")]
    [InlineData(Decode + """{"step": "resize", "mode": "zoom"}""", "mode: \"zoom\" is not one of stretch, fit, cover, shortest_side")]
    [InlineData(Decode + """{"step": "resize", "mode": "cover", "width": 8}""", "steps[1].height: is missing")]
    [InlineData(Decode + """{"step": "resize", "mode": "cover", "size": 8, "width": 8, "height": 8}""", "steps[1].size: unknown")]
    [InlineData(Decode + """{"step": "resize", "width": 8, "height": 8, "interpolation": "area"}""", "interpolation: \"area\"")]
    [InlineData(Decode + """{"step": "resize", "mode": "fit", "width": 8, "height": 8, "fill": 256}""", "fill: 256 is not an integer from 0 to 255")]
    [InlineData(Decode + """{"step": "resize", "width": 8, "height": 8, "fill": 7}""", "fill: 7 contradicts the mode")]
    [InlineData(Decode + """{"step": "resize", "mode": "shortest_side", "size": 8}""", "'center_crop' is missing")]
    [InlineData(To8 + """, {"step": "center_crop", "width": 9, "height": 8}""", "steps[2].width: 9 is more than the 8 pixels")]
    [InlineData(To8 + """, {"step": "center_crop", "width": 8, "height": 9}""", "steps[2].height: 9 is more than the 8 pixels")]
    [InlineData(Decode + """{"step": "resize", "width": 16384, "height": 16384}""", "805306368 values, the limit is 268435456")]
    public void Impossible_steps_are_refused(string steps, string expected) => _folder.AssertError(expected, Picture(steps));

    [Fact]
    public void An_input_that_is_preprocessed_twice_is_an_error_and_no_crash() =>
        _folder.AssertError(
            "'image' is preprocessed twice",
            Picture($"{To8}]}}, {{\"input\": \"image\", \"output\": \"b\", \"steps\": [{To8}"));

    private ImagePreprocessing Read(string steps) =>
        Assert.IsType<ImagePreprocessing>(Assert.Single(_folder.Sound(Picture(steps)).Preprocessing));

    private static string Picture(string steps) =>
        $$"""
        "max_batch_size": 4,
        "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [{"input": "image", "output": "pixels", "steps": [{{steps}}]}]
        """;
}
