namespace OrleansInference.Engine.Repository;

/// <summary>Reads which versions of a model are served: <c>version_policy</c>.</summary>
internal static class VersionPolicyReader
{
    public static VersionPolicy Read(JsonSection model)
    {
        var latest = new VersionPolicy(1, null);
        if (model.Section("version_policy") is not { } section) return latest;
        var kinds = 0;
        if (section.Section("latest") is { } newest)
        {
            kinds++;
            latest = new(newest.Integer("num_versions", 1, 1, int.MaxValue), null);
            newest.RejectUnknown();
        }

        if (section.Section("all") is { } all)
        {
            kinds++;
            latest = new(int.MaxValue, null);
            all.RejectUnknown();
        }

        if (section.Section("specific") is { } specific)
        {
            kinds++;
            latest = new(0, specific.Integers("versions", 1, int.MaxValue) ?? []);
            specific.RejectUnknown();
        }

        section.RejectUnknown();
        if (kinds != 1) model.Error("version_policy", "needs exactly one of latest, all, specific");
        return latest;
    }
}
