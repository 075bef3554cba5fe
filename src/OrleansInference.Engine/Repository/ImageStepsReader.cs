namespace OrleansInference.Engine.Repository;

/// <summary>Reads the steps from an encoded picture to a tensor: each at most once, in the one order in which they make sense.</summary>
internal static class ImageStepsReader
{
    private const int MaxSide = 16_384;

    private static readonly string[] Order = ["decode_image", "resize", "scale", "normalize", "layout"];

    public static ImagePreprocessing Read(JsonSection preprocessing, string input, string output)
    {
        int channels = 3, width = 1, height = 1, last = -1;
        var factor = 1f;
        float[]? mean = null, deviation = null;
        var channelsFirst = true;
        var seen = new HashSet<string>();
        foreach (var step in preprocessing.Sections("steps"))
        {
            var name = step.String("step");
            var place = Array.IndexOf(Order, name);
            if (place < 0) step.Error("step", $"'{name}' is not one of {string.Join(", ", Order)}");
            else if (place <= last) step.Error("step", $"'{name}' is out of place: the order is {string.Join(", ", Order)}, each at most once");
            last = Math.Max(last, place);
            seen.Add(name);
            switch (name)
            {
                case "decode_image":
                    channels = step.OneOf("color", 3, ("grayscale", 1), ("rgb", 3));
                    break;
                case "resize":
                    width = step.Integer("width", 0, 1, MaxSide);
                    height = step.Integer("height", 0, 1, MaxSide);
                    if (!step.Has("width")) step.Error("width", "is missing");
                    if (!step.Has("height")) step.Error("height", "is missing");
                    break;
                case "scale":
                    factor = step.Number("factor", 1);
                    if (!step.Has("factor")) step.Error("factor", "is missing");
                    break;
                case "normalize":
                    mean = ReadPerChannel(step, "mean", channels);
                    deviation = ReadPerChannel(step, "std", channels);
                    if (deviation.Contains(0)) step.Error("std", "0 cannot divide");
                    break;
                case "layout":
                    channelsFirst = step.OneOf("order", true, ("CHW", true), ("HWC", false));
                    break;
            }

            step.RejectUnknown();
        }

        foreach (var needed in Order[..2])
        {
            if (!seen.Contains(needed)) preprocessing.Error("steps", $"step '{needed}' is missing");
        }

        return new(input, output, channels, width, height, factor, mean ?? new float[channels], deviation ?? Ones(channels), channelsFirst);
    }

    private static float[] ReadPerChannel(JsonSection step, string field, int channels)
    {
        var values = step.Numbers(field) ?? [];
        if (values.Length == channels) return values;
        step.Error(field, $"has {values.Length} values, but the picture has {channels} channels");
        return Ones(channels);
    }

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];
}
