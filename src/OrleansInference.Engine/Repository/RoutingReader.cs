using System.Globalization;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads which version of a model answers requests that name none: <c>routing</c>.</summary>
internal static class RoutingReader
{
    private const double MaxWeight = 1e6;

    public static RoutingPolicy? Read(JsonSection model)
    {
        if (model.Section("routing") is not { } section) return null;
        var versions = new List<WeightedVersion>();
        foreach (var entry in section.Sections("versions"))
        {
            var version = new WeightedVersion(ReadVersion(entry), ReadWeight(entry, "weight"));
            if (versions.Any(other => other.Version == version.Version))
                entry.Error("version", string.Create(CultureInfo.InvariantCulture, $"{version.Version} is there twice"));
            entry.RejectUnknown();
            versions.Add(version);
        }

        var policy = new RoutingPolicy
        {
            Versions = versions,
            Shadow = section.Section("shadow") is { } shadow ? ReadShadow(shadow) : null,
            StickyParameter = section.Section("sticky") is { } sticky ? ReadSticky(sticky) : null,
        };
        if (policy is { Shadow: { } copied, Versions: [var only] } && only.Version == copied.Version)
            section.Error("shadow.version", string.Create(CultureInfo.InvariantCulture, $"{copied.Version} is the version that answers: it cannot be its own shadow"));
        section.RejectUnknown();
        return policy;
    }

    /// <summary>What is wrong between the routing and the versions that are there.</summary>
    public static string? FindUnserved(RoutingPolicy policy, IReadOnlyList<int> served)
    {
        var missing = policy.Versions.Select(version => version.Version)
            .Concat(policy.Shadow is { } shadow ? [shadow.Version] : [])
            .Except(served)
            .ToList();
        if (policy.Shadow is { } alone && served is [var only] && only == alone.Version)
            return string.Create(CultureInfo.InvariantCulture, $"routing.shadow.version: {only} is the only version that is served, and a shadow's answers are given to nobody");
        return missing.Count == 0 ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"routing: version {string.Join(", ", missing)} is not served; of the version folders, the version_policy admits {string.Join(", ", served)}");
    }

    /// <summary>A number above 0, and small enough to be added up.</summary>
    public static double ReadWeight(JsonSection section, string field)
    {
        var weight = section.Double(field, 1);
        if (weight is <= 0 or > MaxWeight) section.Error(field, string.Create(CultureInfo.InvariantCulture, $"{weight} is not above 0 and at most {MaxWeight}"));
        return weight;
    }

    private static ShadowVersion ReadShadow(JsonSection section)
    {
        var shadow = new ShadowVersion(ReadVersion(section), section.Double("fraction", 1), section.Double("tolerance", 0));
        if (shadow.Fraction is <= 0 or > 1)
            section.Error("fraction", string.Create(CultureInfo.InvariantCulture, $"{shadow.Fraction} is not above 0 and at most 1"));
        if (shadow.Tolerance < 0) section.Error("tolerance", string.Create(CultureInfo.InvariantCulture, $"{shadow.Tolerance} is below 0"));
        section.RejectUnknown();
        return shadow;
    }

    private static string ReadSticky(JsonSection section)
    {
        var parameter = section.String("parameter");
        if (parameter is "timeout" or "priority" or "binary_data_output" || parameter.StartsWith("triton_", StringComparison.Ordinal))
            section.Error("parameter", $"'{parameter}' is one of the protocol's own parameters");
        section.RejectUnknown();
        return parameter;
    }

    private static int ReadVersion(JsonSection section)
    {
        if (!section.Has("version")) section.Error("version", "is missing");
        return section.Integer("version", 1, 1, int.MaxValue);
    }
}
