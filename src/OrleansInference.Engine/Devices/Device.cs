using System.Globalization;

namespace OrleansInference.Engine.Devices;

/// <summary>Something that runs one forward pass at a time.</summary>
/// <param name="Name">Unique in the cluster: silo name, kind and index, such as <c>node1.cuda:0</c>.</param>
/// <param name="Kind">What it computes on.</param>
/// <param name="Index">Its number among the silo's devices of that kind.</param>
/// <param name="Threads">How many threads one operation may use: a share of the silo's cores, of which one is left to its requests.</param>
public sealed record Device(string Name, DeviceKind Kind, int Index, int Threads)
{
    /// <summary>Reads a device as configuration names it: <c>cpu:0</c>, <c>cuda:1</c>.</summary>
    public static bool TryParse(string text, out DeviceKind kind, out int index)
    {
        kind = default;
        index = 0;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return false;
        switch (text[..colon])
        {
            case "cpu":
                kind = DeviceKind.Cpu;
                break;
            case "cuda":
                kind = DeviceKind.Cuda;
                break;
            default:
                return false;
        }

        // Only one spelling each: "cpu:00" would be a second device of the same name.
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out index) &&
            text.AsSpan(colon + 1).SequenceEqual(index.ToString(CultureInfo.InvariantCulture));
    }
}
