namespace OrleansInference.Engine.Repository;

/// <summary>What is known of one model's folder.</summary>
/// <param name="Versions">What can be served.</param>
/// <param name="Publications">These, and what cannot be served with the reasons.</param>
internal sealed record ModelFolder(IReadOnlyList<ModelVersion> Versions, IReadOnlyList<ModelPublication> Publications)
{
    public static readonly ModelFolder None = new([], []);

    /// <summary>The <see cref="FolderListing"/> that it was read from.</summary>
    public string? Fingerprint { get; init; }

    public static ModelFolder Broken(ModelId id, string reason) => new([], [new(id, null, reason)]);

    /// <summary>
    /// What is there now, with what could be served before in the place of what is spoilt: nobody is refused because a file was damaged
    /// of which something sound is loaded.
    /// </summary>
    public ModelFolder After(ModelFolder before)
    {
        if (before.Versions.Count == 0) return this;
        var versions = new List<ModelVersion>();
        var publications = new List<ModelPublication>();
        foreach (var publication in Publications.Where(publication => publication.Id.Version > 0))
        {
            var now = Find(Versions, publication.Id);
            var earlier = Find(before.Versions, publication.Id);
            // What has not changed stays the same object.
            var version = now is null || now.Revision == earlier?.Revision ? earlier : now;
            if (version is not null) versions.Add(version);
            publications.Add(now is null && earlier is not null ? before.Publish(earlier, publication.Reason) : publication);
        }

        if (versions.Count > 0) return this with { Versions = versions, Publications = publications };
        var reason = Publications[^1].Reason;
        return this with
        {
            Versions = before.Versions,
            Publications = [.. before.Versions.Select(version => before.Publish(version, reason)), .. publications],
        };
    }

    /// <summary>The same with a word on what is wrong in the folder.</summary>
    public ModelFolder WithNotice(string notice) =>
        this with { Publications = [.. Publications.Select(publication => publication.Reason.Length > 0 ? publication : publication with { Notice = notice })] };

    private ModelPublication Publish(ModelVersion version, string reason) =>
        Publications.First(publication => publication.Id == version.Id) with { Notice = $"its folder has changed, and what is there now cannot be served: {reason}" };

    private static ModelVersion? Find(IReadOnlyList<ModelVersion> versions, ModelId id) => versions.FirstOrDefault(version => version.Id == id);
}
