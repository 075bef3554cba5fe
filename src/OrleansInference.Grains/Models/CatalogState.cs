namespace OrleansInference.Grains.Models;

/// <summary>Pure: what follows from the silos' latest reports and from what was asked for.</summary>
/// <param name="reports">The latest report of each silo.</param>
/// <param name="wishes">What was asked for.</param>
internal sealed class CatalogState(IReadOnlyCollection<SiloReport> reports, CatalogWishes wishes)
{
    private IReadOnlyList<ModelPlace>? _places;

    /// <summary>Every model version of the cluster, with the state of its instances.</summary>
    public IReadOnlyList<ModelEntry> Merge()
    {
        var instances = reports.SelectMany(report => report.Instances).ToLookup(instance => instance.Id.Model);
        var loaded = reports.SelectMany(report => report.Loaded).ToLookup(descriptor => descriptor.Id);
        var onDemand = Places.Where(place => place.IsOnDemand).ToLookup(place => place.Id.Model);
        var published = reports
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
                .Select(id => ToEntry(
                    id, published.GetValueOrDefault(id), loaded[id].FirstOrDefault(), [.. WithOnDemand([.. instances[id]], onDemand[id])])),
        ]);
    }

    /// <summary>
    /// The instances that there are to be, or that are loaded on demand: on every device that the model's configuration admits, or, where not all
    /// models have room, on as many of these devices as it asks for, and else on one on demand. Ensembles have none.
    /// </summary>
    public IReadOnlyList<ModelPlace> Places => _places ??= FindPlaces();

    private IReadOnlyList<ModelPlace> FindPlaces()
    {
        var possible =
            from report in reports
            from publication in report.Models
            where publication.Reason.Length == 0 && wishes.IsWanted(publication) && publication.Descriptor!.Ensemble is null
            from device in report.Devices
            where Admits(publication.Descriptor!, device)
            select (Place: new ModelPlace(new(publication.Id, device), publication.Revision, report.LoadsOnDemand), publication.Descriptor!.MinInstances);
        var (scarce, ample) = (possible.Where(pair => pair.Place.IsOnDemand), possible.Where(pair => !pair.Place.IsOnDemand));
        return
        [
            .. ample.Select(pair => pair.Place),
            .. scarce.GroupBy(pair => pair.Place.Id.Model).SelectMany(Choose),
        ];
    }

    /// <summary>The instances that should be loaded and are not, or not as their silo's repository has them now.</summary>
    public IReadOnlyList<ModelInstanceId> FindMissing()
    {
        var existing = Instances();
        return
        [
            .. Places
                .Where(place => existing.TryGetValue(place.Id, out var instance) ? instance.Revision != place.Revision : !place.IsOnDemand)
                .Select(place => place.Id),
        ];
    }

    /// <summary>
    /// The instances that exist and should not: of unloaded models, and of versions that no repository has any more, once those that
    /// take their place on the device answer. Where these cannot be loaded, the old ones stay. What is loaded on demand leaves when its
    /// room is needed.
    /// </summary>
    public IReadOnlyList<ModelInstanceId> FindSurplus()
    {
        var existing = Instances();
        var places = Places;
        var wanted = places.Select(place => place.Id).ToHashSet();
        var onDemand = places.Where(place => place.IsOnDemand).Select(place => place.Id.Model).ToHashSet();
        var notThere = places
            .Where(place => !place.IsOnDemand && existing.GetValueOrDefault(place.Id)?.State != ModelState.Ready)
            .Select(place => (place.Id.Model.Name, place.Id.Device))
            .ToHashSet();
        return
        [
            .. existing.Values
                .Where(instance => instance.State != ModelState.Unloading && !wanted.Contains(instance.Id) && !onDemand.Contains(instance.Id.Model))
                .Where(instance => instance.State == ModelState.Unavailable || !notThere.Contains((instance.Id.Model.Name, instance.Id.Device)))
                .Select(instance => instance.Id),
        ];
    }

    private Dictionary<ModelInstanceId, ModelInstanceStatus> Instances() => reports
        .SelectMany(report => report.Instances)
        .DistinctBy(instance => instance.Id)
        .ToDictionary(instance => instance.Id);

    /// <summary>
    /// The first devices in an order that each model has for itself, and that stays when others come or go (rendezvous hashing: D. Thaler,
    /// C. V. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998).
    /// </summary>
    private static IEnumerable<ModelPlace> Choose(IEnumerable<(ModelPlace Place, int MinInstances)> places) => places
        .OrderByDescending(pair => StableHash.Compute($"{pair.Place.Id.Model.Name}\n{pair.Place.Id.Device}"))
        // Each silo loads what its own repository says: one that has not read a change yet would load what was before.
        .Where((pair, rank) => rank < Math.Max(pair.MinInstances, 1))
        .Select(pair => pair.Place with { IsOnDemand = pair.MinInstances == 0 });

    private static IEnumerable<ModelInstanceStatus> WithOnDemand(IReadOnlyList<ModelInstanceStatus> instances, IEnumerable<ModelPlace> onDemand)
    {
        var places = onDemand.Select(place => place.Id).ToHashSet();
        // One that is being loaded, or is leaving, answers whoever waits for it.
        var settled = instances.Where(instance => !places.Contains(instance.Id) || instance.State is ModelState.Ready or ModelState.Unavailable).ToList();
        return settled.Concat(places.Except(settled.Select(instance => instance.Id)).Select(id => new ModelInstanceStatus(id, ModelState.OnDemand)));
    }

    private ModelEntry ToEntry(
        ModelId id, ModelPublication? publication, ModelDescriptor? loaded, IReadOnlyList<ModelInstanceStatus> instances)
    {
        var best = instances.MaxBy(instance => Rank(instance.State));
        var (state, reason) = (best, publication) switch
        {
            _ when wishes.Unloaded.Contains(id.Name) => (best is null ? ModelState.Unavailable : ModelState.Unloading, "unloaded"),
            ({ State: ModelState.Ready }, _) => (best.State, FindNotice(best, publication, instances)),
            ({ State: ModelState.OnDemand }, _) => (ModelState.Ready, "it is loaded by its first request"),
            (_, { Reason.Length: > 0 }) => (ModelState.Unavailable, publication.Reason),
            ({ } instance, _) => (instance.State, instance.Reason),
            (_, { } offered) when !wishes.IsWanted(offered) => (ModelState.Unavailable, "it has not been asked for: the repository is in the mode Explicit"),
            (_, { Descriptor.Ensemble: not null }) => (ModelState.Loading, "its models are not known yet"),
            (_, { } missing) when !reports.SelectMany(report => report.Devices).Any(device => Admits(missing.Descriptor!, device)) =>
                (ModelState.Unavailable, $"no device of the cluster is one of those that its instance_group asks for: {string.Join(", ", missing.Descriptor!.DeviceKinds)}"),
            _ => (ModelState.Loading, "the model is about to be loaded"),
        };
        return new() { Id = id, State = state, Reason = reason, Descriptor = loaded ?? publication?.Descriptor, Instances = instances };
    }

    /// <summary>What is wrong though the model is ready.</summary>
    private static string FindNotice(ModelInstanceStatus best, ModelPublication? publication, IEnumerable<ModelInstanceStatus> instances)
    {
        if (best.Reason.Length > 0) return best.Reason;
        if (publication is { Notice.Length: > 0 }) return publication.Notice;
        var differ = instances.Where(instance => instance.Checksum.Length > 0).DistinctBy(instance => instance.Checksum).Take(2).ToList();
        return differ.Count < 2 ? "" : $"{differ[0].Id.Device} and {differ[1].Id.Device} have loaded different files: they answer differently";
    }

    /// <summary>The better ones are higher. One that is going away is no better than none.</summary>
    private static int Rank(ModelState state) => state switch
    {
        ModelState.Ready => 4,
        ModelState.OnDemand => 3,
        ModelState.Loading => 2,
        ModelState.Unavailable => 1,
        _ => 0,
    };

    /// <summary>Whether a device named <c>silo.kind:index</c> is of a kind, or exactly one, that the model admits.</summary>
    private static bool Admits(ModelDescriptor model, string device)
    {
        var kindAndIndex = ModelInstanceId.KindAndIndexOf(device);
        return model.DeviceKinds.Count == 0 ||
            model.DeviceKinds.Any(admitted => kindAndIndex == admitted || kindAndIndex.StartsWith(admitted + ":", StringComparison.Ordinal));
    }
}

/// <summary>Where a model version has an instance, or gets one.</summary>
/// <param name="Id">The instance.</param>
/// <param name="Revision">The files that it is to be loaded from, as its silo's repository has them.</param>
/// <param name="IsOnDemand">Whether it is loaded when it is asked, and may leave when it is not.</param>
internal sealed record ModelPlace(ModelInstanceId Id, string Revision, bool IsOnDemand);
