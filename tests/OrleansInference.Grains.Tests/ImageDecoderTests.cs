using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

using OrleansInference.Engine.Processing;
using OrleansInference.Grains.Inference;
using OrleansInference.Tensors;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class ImageDecoderTests
{
    private static readonly SKColor Left = new(10, 20, 30), Right = new(40, 50, 60);

    [Theory]
    [InlineData(true, new[] { 10f, 40, 20, 50, 30, 60 })]
    [InlineData(false, new[] { 10f, 20, 30, 40, 50, 60 })]
    public void Channels_come_in_the_layout_asked_for(bool channelsFirst, float[] expected) =>
        Assert.Equal(expected, Decode(TwoPixels(), Rgb(2, 1) with { ChannelsFirst = channelsFirst }));

    [Fact]
    public void Values_are_scaled_first_and_normalized_then_per_channel()
    {
        var image = Rgb(1, 1) with { Factor = 0.1f, Mean = [0, 1, 2], Deviation = [1, 2, 0.5f] };

        var pixels = Decode(Pictures.Png(1, 1, Left), image);

        Assert.Equal([1f, 0.5f, 2], pixels, (expected, actual) => MathF.Abs(expected - actual) < 1e-5f);
    }

    [Fact]
    public void A_gray_picture_of_the_right_size_is_taken_to_the_letter()
    {
        var pixels = Decode(Pictures.Png(3, 2, new SKColor(77, 77, 77)), Gray(3, 2));

        Assert.Equal(Enumerable.Repeat(77f, 6), pixels);
    }

    [Fact]
    public void A_larger_picture_is_averaged_and_not_sampled()
    {
        // Black and white columns of one pixel: sampling would give one of both, averaging gives gray.
        var stripes = Pictures.Encode(64, 64, canvas =>
        {
            canvas.Clear(SKColors.Black);
            using var paint = new SKPaint { Color = SKColors.White };
            for (var x = 0; x < 64; x += 2) canvas.DrawRect(x, 0, 1, 64, paint);
        });

        Assert.All(Decode(stripes, Gray(4, 4)), value => Assert.InRange(value, 100, 155));
    }

    [Fact]
    public void What_is_transparent_is_black() =>
        Assert.Equal([0f], Decode(Pictures.Encode(1, 1, canvas => canvas.Clear(SKColors.Transparent)), Gray(1, 1)));

    [Fact]
    public void A_jpeg_is_as_good_as_a_png()
    {
        var jpeg = Pictures.Encode(8, 8, canvas => canvas.Clear(new SKColor(200, 200, 200)), SKEncodedImageFormat.Jpeg);

        Assert.All(Decode(jpeg, Gray(8, 8)), value => Assert.InRange(value, 195, 205));
    }

    [Fact]
    public void A_photograph_is_turned_upright_as_its_exif_orientation_says_unless_that_is_to_be_ignored()
    {
        // Left half white, right half black; orientation 6 turns it a quarter clockwise, so that the top is white.
        var jpeg = Pictures.Encode(16, 16, canvas =>
        {
            canvas.Clear(SKColors.Black);
            using var paint = new SKPaint { Color = SKColors.White };
            canvas.DrawRect(0, 0, 8, 16, paint);
        }, SKEncodedImageFormat.Jpeg);

        var pixels = Decode(WithOrientation(jpeg, 6), Gray(2, 2));
        var lying = Decode(WithOrientation(jpeg, 6), Gray(2, 2) with { IsTurnedUpright = false });

        Assert.True(pixels[0] > 200 && pixels[1] > 200, "the upper half is white");
        Assert.True(pixels[2] < 55 && pixels[3] < 55, "the lower half is black");
        Assert.True(lying[0] > 200 && lying[2] > 200 && lying[1] < 55 && lying[3] < 55, "the left half is white");
    }

    [Fact]
    public void A_size_that_only_the_header_claims_is_refused_before_it_is_allocated()
    {
        var claim = WithSize(Pictures.Png(1, 1, Left), 30_000, 30_000);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var exception = Assert.Throws<InferenceException>(() => Decode(claim, Gray(2, 2)));

        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains("30000 x 30000", exception.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Pictures_that_are_cut_short_empty_or_of_another_format_are_refused()
    {
        var png = Pictures.Encode(64, 64, canvas => canvas.DrawCircle(32, 32, 20, new SKPaint { Color = Left }));
        byte[][] bad = [[], [0], "GIF89a"u8.ToArray(), png[..20], png[..(png.Length / 2)]];

        Assert.All(bad, bytes => Assert.Equal(
            InferenceError.InvalidArgument, Assert.Throws<InferenceException>(() => Decode(bytes, Gray(2, 2))).Error));
    }

    [Fact]
    public void A_picture_in_base64_is_refused_and_its_sender_told_how_to_send_it()
    {
        var text = Encoding.ASCII.GetBytes(Convert.ToBase64String(Pictures.Png(64, 64, Left)));

        Assert.Contains("looks like base64", Assert.Throws<InferenceException>(() => Decode(text, Gray(2, 2))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_that_is_over_decodes_no_further_picture()
    {
        using var repository = new PictureRepository();
        var request = new InferenceRequest
        {
            Model = "pictures",
            Inputs = [InferenceTensor.FromBytes("image", [Pictures.Png(1, 1, Left)], 1, 1)],
        };

        var bound = Preprocessor.Bind(repository.Model, request);

        Assert.Throws<OperationCanceledException>(() => Preprocessor.Run(repository.Model, bound, new(canceled: true)));
        Assert.Single(Preprocessor.Run(repository.Model, bound, default));
    }

    private static byte[] TwoPixels() => Pictures.Encode(2, 1, canvas =>
    {
        canvas.Clear(Left);
        using var paint = new SKPaint { Color = Right };
        canvas.DrawRect(1, 0, 1, 1, paint);
    });

    private static ImagePreprocessing Gray(int width, int height) =>
        new("image", "x", 1, new(ResizeMode.Stretch, width, height), width, height);

    private static ImagePreprocessing Rgb(int width, int height) =>
        new("image", "x", 3, new(ResizeMode.Stretch, width, height), width, height);

    private static float[] Decode(byte[] encoded, ImagePreprocessing image)
    {
        var pixels = new float[image.Channels * image.Width * image.Height];
        ImageDecoder.Decode(encoded, image, pixels, "the picture");
        return pixels;
    }

    /// <summary>Writes a size into a PNG's first chunk: length, "IHDR", width, height, five more bytes, checksum.</summary>
    private static byte[] WithSize(byte[] png, int width, int height)
    {
        var changed = png.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(29), Crc32.HashToUInt32(changed.AsSpan(12, 17)));
        return changed;
    }

    /// <summary>Puts an EXIF segment with nothing but an orientation behind a JPEG's first two bytes.</summary>
    private static byte[] WithOrientation(byte[] jpeg, byte orientation)
    {
        byte[] tiff = [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        byte[] payload = [.. "Exif\0\0"u8, .. tiff];
        return [.. jpeg.AsSpan(0, 2), 0xff, 0xe1, (byte)((payload.Length + 2) >> 8), (byte)(payload.Length + 2), .. payload, .. jpeg.AsSpan(2)];
    }
}
