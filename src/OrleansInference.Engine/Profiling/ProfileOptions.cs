using System.Globalization;

namespace OrleansInference.Engine.Profiling;

/// <summary>What to profile, and how.</summary>
public sealed record ProfileOptions
{
    /// <summary>The model repository folders.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The device, as <c>cpu:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>How long each point is measured.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The numbers of threads to try.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>The dimensions of inputs that have open ones, without the batch's; 1 for each where there are none.</summary>
    public required IReadOnlyDictionary<string, long[]> Shapes { get; init; }

    /// <summary>One thread, half the cores, all but one, and all.</summary>
    public static IReadOnlyList<int> DefaultThreads(int cores) =>
        [.. new[] { 1, cores / 2, cores - 1, cores }.Where(threads => threads > 0).Distinct().Order()];

    /// <summary>Reads an input's dimensions as a user writes them: <c>name:3,224,224</c>.</summary>
    public static bool TryParseShape(string text, out string input, out long[] dims)
    {
        var colon = text.LastIndexOf(':');
        input = colon > 0 ? text[..colon] : "";
        dims = colon > 0
            ? [.. text[(colon + 1)..].Split(',').Select(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0)]
            : [];
        return dims.Length > 0 && dims.All(size => size > 0);
    }
}
