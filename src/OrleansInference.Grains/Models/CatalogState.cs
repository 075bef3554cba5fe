namespace OrleansInference.Grains.Models;

/// <summary>Pure: what follows from the silos' latest reports and from what was asked for.</summary>
/// <param name="Reports">The latest report of each silo.</param>
/// <param name="Unloaded">The names of the models that are to stay unloaded.</param>
internal sealed record CatalogState(IReadOnlyCollection<SiloReport> Reports, IReadOnlySet<string> Unloaded)
{
    /// <summary>Every model version of the cluster, with the state of its instances.</summary>
    public IReadOnlyList<ModelEntry> Merge()
    {
        var instances = Reports.SelectMany(report => report.Instances).ToLookup(instance => instance.Id.Model);
        var loaded = Reports.SelectMany(report => report.Loaded).ToLookup(descriptor => descriptor.Id);
        var published = Reports
            .SelectMany(report => report.Models)
            .GroupBy(publication => publication.Id)
            // Silos read the same repository; where one cannot read a model, the word of one that can counts.
            .Select(group => group.FirstOrDefault(publication => publication.Reason.Length == 0) ?? group.First())
            .ToDictionary(publication => publication.Id);
        return EnsembleResolver.Resolve(
        [
            .. published.Keys.Union(loaded.Select(group => group.Key))
                .OrderBy(id => id.Name, StringComparer.Ordinal)
                .ThenBy(id => id.Version)
                .Select(id => ToEntry(id, published.GetValueOrDefault(id), loaded[id].FirstOrDefault(), [.. instances[id]])),
        ]);
    }

    /// <summary>The instances that should exist: one on every device that the model's configuration admits. Ensembles have none.</summary>
    public IEnumerable<ModelInstanceId> FindWanted() =>
        from report in Reports
        from publication in report.Models
        where publication.Reason.Length == 0 && !Unloaded.Contains(publication.Id.Name) && publication.Descriptor!.Ensemble is null
        from device in report.Devices
        where Admits(publication.Descriptor!, device)
        select new ModelInstanceId(publication.Id, device);

    /// <summary>The instances that should exist and do not.</summary>
    public IReadOnlyList<ModelInstanceId> FindMissing()
    {
        var existing = Reports.SelectMany(report => report.Instances).Select(instance => instance.Id).ToHashSet();
        return [.. FindWanted().Where(instance => !existing.Contains(instance))];
    }

    /// <summary>
    /// The instances that exist and should not: of unloaded models, and of versions that no repository has any more, once those that
    /// take their place have been loaded.
    /// </summary>
    public IReadOnlyList<ModelInstanceId> FindSurplus()
    {
        var wanted = FindWanted().ToHashSet();
        var existing = Reports
            .SelectMany(report => report.Instances)
            .DistinctBy(instance => instance.Id)
            .ToDictionary(instance => instance.Id);
        var onTheirWay = wanted
            .Where(id => !existing.TryGetValue(id, out var instance) || instance.State == ModelState.Loading)
            .Select(id => id.Model.Name)
            .ToHashSet();
        return
        [
            .. existing.Values
                .Where(instance => instance.State != ModelState.Unloading)
                .Select(instance => instance.Id)
                .Where(id => !wanted.Contains(id) && !onTheirWay.Contains(id.Model.Name)),
        ];
    }

    private ModelEntry ToEntry(
        ModelId id, ModelPublication? publication, ModelDescriptor? loaded, IReadOnlyList<ModelInstanceStatus> instances)
    {
        // Better states have higher numbers, but one that is going away is no better than none.
        var best = instances.OrderByDescending(instance => instance.State == ModelState.Unloading ? 0 : (int)instance.State).FirstOrDefault();
        var (state, reason) = (best, publication) switch
        {
            _ when Unloaded.Contains(id.Name) => (best is null ? ModelState.Unavailable : ModelState.Unloading, "unloaded"),
            ({ State: ModelState.Ready }, _) => (best.State, best.Reason),
            (_, { Reason.Length: > 0 }) => (ModelState.Unavailable, publication.Reason),
            ({ } instance, _) => (instance.State, instance.Reason),
            (_, { Descriptor.Ensemble: not null }) => (ModelState.Loading, "its models are not known yet"),
            (_, { } missing) when !Reports.SelectMany(report => report.Devices).Any(device => Admits(missing.Descriptor!, device)) =>
                (ModelState.Unavailable, $"no device of the cluster is one of those that its instance_group asks for: {string.Join(", ", missing.Descriptor!.DeviceKinds)}"),
            _ => (ModelState.Loading, "the model is about to be loaded"),
        };
        return new() { Id = id, State = state, Reason = reason, Descriptor = loaded ?? publication?.Descriptor, Instances = instances };
    }

    /// <summary>Whether a device named <c>silo.kind:index</c> is of a kind, or exactly one, that the model admits.</summary>
    private static bool Admits(ModelDescriptor model, string device)
    {
        var kindAndIndex = device[(device.LastIndexOf('.') + 1)..];
        return model.DeviceKinds.Count == 0 ||
            model.DeviceKinds.Any(admitted => kindAndIndex == admitted || kindAndIndex.StartsWith(admitted + ":", StringComparison.Ordinal));
    }
}
