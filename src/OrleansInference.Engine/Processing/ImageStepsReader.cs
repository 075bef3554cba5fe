using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads the steps from an encoded picture to a tensor: each at most once, in the one order in which they make sense.</summary>
internal static class ImageStepsReader
{
    private const int MaxSide = 16_384;

    /// <summary>Of one picture's tensor: a gigabyte as FP32.</summary>
    private const long MaxValues = 256L * 1024 * 1024;

    private static readonly string[] Order = ["decode_image", "resize", "center_crop", "scale", "normalize", "layout"];

    public static ImagePreprocessing Read(JsonSection preprocessing, string input, string output)
    {
        var image = new ImagePreprocessing(input, output, Channels: 3, new(ResizeMode.Stretch, 1, 1), 1, 1);
        var last = -1;
        var seen = new HashSet<string>();
        foreach (var step in preprocessing.Sections("steps"))
        {
            var name = step.String("step");
            var place = Array.IndexOf(Order, name);
            if (place < 0) step.Error("step", $"'{name}' is not one of {string.Join(", ", Order)}");
            else if (place <= last) step.Error("step", $"'{name}' is out of place: the order is {string.Join(", ", Order)}, each at most once");
            last = Math.Max(last, place);
            image = name switch
            {
                "decode_image" => ReadDecoding(step, input, output),
                "resize" => ReadResize(step, image),
                "center_crop" => ReadCrop(step, image, isResized: seen.Contains("resize")),
                "scale" => image with { Factor = ReadFactor(step) },
                "normalize" => ReadNormalization(step, image),
                "layout" => image with { ChannelsFirst = step.OneOf("order", true, ("CHW", true), ("HWC", false)) },
                _ => image,
            };
            seen.Add(name);
            step.RejectUnknown();
        }

        foreach (var needed in Order[..2])
        {
            if (!seen.Contains(needed)) preprocessing.Error("steps", $"step '{needed}' is missing");
        }

        if (image.Resize.Mode == ResizeMode.ShortestSide && !seen.Contains("center_crop"))
            preprocessing.Error("steps", "step 'center_crop' is missing: resize with mode shortest_side leaves the longer side as it is");
        var values = (long)image.Channels * image.Height * image.Width;
        if (values > MaxValues) preprocessing.Error("steps", $"a picture becomes {values} values, the limit is {MaxValues}");
        return image;
    }

    private static ImagePreprocessing ReadDecoding(JsonSection step, string input, string output) =>
        new(input, output, step.OneOf("color", 3, ("grayscale", 1), ("rgb", 3)), new(ResizeMode.Stretch, 1, 1), 1, 1)
        {
            IsTurnedUpright = step.OneOf("orientation", true, ("exif", true), ("ignore", false)),
        };

    private static ImagePreprocessing ReadResize(JsonSection step, ImagePreprocessing image)
    {
        var mode = step.OneOf(
            "mode",
            ResizeMode.Stretch,
            ("stretch", ResizeMode.Stretch),
            ("fit", ResizeMode.Fit),
            ("cover", ResizeMode.Cover),
            ("shortest_side", ResizeMode.ShortestSide));
        var (width, height) = mode == ResizeMode.ShortestSide
            ? (ReadSide(step, "size"), step.Integer("size", 1, 1, MaxSide))
            : (ReadSide(step, "width"), ReadSide(step, "height"));
        var interpolation = step.OneOf(
            "interpolation",
            ResizeInterpolation.Bilinear,
            ("bilinear", ResizeInterpolation.Bilinear),
            ("nearest", ResizeInterpolation.Nearest),
            ("bicubic", ResizeInterpolation.Bicubic));
        var fill = step.Integer("fill", 0, 0, byte.MaxValue);
        if (mode != ResizeMode.Fit && step.Has("fill")) step.Error("fill", $"{fill} contradicts the mode: only fit leaves borders");
        return image with { Resize = new(mode, width, height, interpolation, (byte)fill), Width = width, Height = height };
    }

    private static ImagePreprocessing ReadCrop(JsonSection step, ImagePreprocessing image, bool isResized)
    {
        var (width, height) = (ReadSide(step, "width"), ReadSide(step, "height"));
        if (!isResized) return image;
        // Of the longer side nothing is known: any picture may be upright or lie on its side.
        var (limitX, limitY) = (image.Resize.Width, image.Resize.Height);
        if (width > limitX) step.Error("width", $"{width} is more than the {limitX} pixels that resize is sure to give");
        if (height > limitY) step.Error("height", $"{height} is more than the {limitY} pixels that resize is sure to give");
        return image with { Width = width, Height = height };
    }

    private static ImagePreprocessing ReadNormalization(JsonSection step, ImagePreprocessing image)
    {
        var mean = ReadPerChannel(step, "mean", image.Channels);
        var deviation = ReadPerChannel(step, "std", image.Channels);
        if (deviation.Contains(0)) step.Error("std", "0 cannot divide");
        return image with { Mean = mean, Deviation = deviation };
    }

    private static float ReadFactor(JsonSection step)
    {
        if (!step.Has("factor")) step.Error("factor", "is missing");
        return step.Number("factor", 1);
    }

    private static int ReadSide(JsonSection step, string field)
    {
        if (!step.Has(field)) step.Error(field, "is missing");
        return step.Integer(field, 1, 1, MaxSide);
    }

    private static float[] ReadPerChannel(JsonSection step, string field, int channels)
    {
        var values = step.Numbers(field) ?? [];
        if (values.Length == channels) return values;
        step.Error(field, $"has {values.Length} values, but the picture has {channels} channels");
        return [.. Enumerable.Repeat(1f, channels)];
    }
}
