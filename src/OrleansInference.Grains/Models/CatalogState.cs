using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Models;

/// <summary>Pure: what follows from the silos' latest reports and from what was asked for.</summary>
/// <param name="reports">The latest report of each silo.</param>
/// <param name="wishes">What was asked for.</param>
/// <param name="placement">Where model versions were to be so far; of those that are not among them, where the reports say that they are.</param>
/// <param name="scales">How many replicas model versions are to have whose number follows the load.</param>
internal sealed class CatalogState(
    IReadOnlyCollection<SiloReport> reports,
    CatalogWishes wishes,
    IReadOnlyDictionary<ModelId, IReadOnlyList<string>>? placement = null,
    IReadOnlyDictionary<ModelId, int>? scales = null)
{
    private Dictionary<ModelId, WantedModel>? _wanted;
    private IReadOnlyList<ModelPlace>? _places;
    private Dictionary<ModelInstanceId, ModelInstanceStatus>? _instances;

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

    /// <summary>The instances that there are to be, or that are loaded on demand. Ensembles have none.</summary>
    public IReadOnlyList<ModelPlace> Places => _places ??= [.. FindPlaces()];

    /// <summary>The devices of each model version.</summary>
    public IReadOnlyDictionary<ModelId, IReadOnlyList<string>> Placement => Places
        .GroupBy(place => place.Id.Model)
        .ToDictionary(group => group.Key, IReadOnlyList<string> (group) => [.. group.Select(place => place.Id.Device)]);

    /// <summary>The instances that should be loaded and are not, or not as their silo's repository has them now.</summary>
    public IReadOnlyList<ModelInstanceId> FindMissing() =>
    [
        .. Places
            .Where(place => Instances.TryGetValue(place.Id, out var instance) ? instance.Revision != place.Revision : !place.IsOnDemand)
            .Select(place => place.Id),
    ];

    /// <summary>
    /// The instances that exist and should not, once what is to be in their place answers: the version that follows on their device, or where there is
    /// none the model's other replicas. Where these cannot be loaded, the old ones stay. What is loaded on demand leaves when its room is needed, or its
    /// silo is to be left.
    /// </summary>
    public IReadOnlyList<ModelInstanceId> FindSurplus()
    {
        var wanted = Places.ToDictionary(place => place.Id);
        var byName = Places.ToLookup(place => place.Id.Model.Name);
        var draining = reports.Where(report => report.IsDraining).Select(report => report.Silo).ToHashSet();
        return
        [
            .. Instances.Values
                .Where(instance => instance.State != ModelState.Unloading && !wanted.ContainsKey(instance.Id))
                .Where(instance => instance.State == ModelState.Unavailable || MayLeave(instance.Id, byName[instance.Id.Model.Name]))
                .Select(instance => instance.Id),
        ];

        bool MayLeave(ModelInstanceId id, IEnumerable<ModelPlace> places)
        {
            var isLeft = draining.Contains(ModelInstanceId.SiloOf(id.Device));
            if (places.Any(place => place.IsOnDemand && place.Id.Model == id.Model)) return isLeft;
            // What takes its place is the same version elsewhere; and, of a version that is not to be anywhere, the one that follows.
            var same = places.Where(place => place.Id.Model == id.Model).ToList();
            if (same.Count > 0) return same.TrueForAll(IsSettled) && same.Exists(IsReady);
            var others = places.ToList();
            // What has nowhere to go answers where it is to the end.
            if (others.Count == 0) return !Wanted.Keys.Any(model => model.Name == id.Model.Name);
            if (others.Exists(place => place.Id.Device == id.Device)) return others.TrueForAll(place => place.Id.Device != id.Device || IsReady(place));
            return others.TrueForAll(IsSettled) && others.Exists(IsReady);
        }
    }

    /// <summary>Whether a silo has reported an instance.</summary>
    public bool Has(ModelInstanceId instance) => Instances.ContainsKey(instance);

    /// <summary>Whether a silo has nothing any more that is, or is still going, to be elsewhere.</summary>
    public bool IsDrained(string silo)
    {
        var byName = Places.ToLookup(place => place.Id.Model.Name);
        return !Instances.Keys.Any(id =>
            ModelInstanceId.SiloOf(id.Device) == silo && byName[id.Model.Name].Any(place => IsReady(place) || !IsSettled(place)));
    }

    private bool IsReady(ModelPlace place) => place.IsOnDemand || StateOf(place) == ModelState.Ready;

    /// <summary>Whether it answers or cannot: one that cannot be loaded would hold up the move of all others.</summary>
    private bool IsSettled(ModelPlace place) => IsReady(place) || StateOf(place) == ModelState.Unavailable;

    private ModelState? StateOf(ModelPlace place) => Instances.GetValueOrDefault(place.Id)?.State;

    /// <summary>The silos with what is on their devices.</summary>
    public ClusterSnapshot Describe()
    {
        return new([.. reports.Where(report => report.Devices.Count > 0).OrderBy(report => report.Silo, StringComparer.Ordinal).Select(ToSilo)]);

        static SiloDescription ToSilo(SiloReport report)
        {
            var instances = report.Instances.ToLookup(instance => instance.Id.Device);
            var loads = report.Loads.ToDictionary(load => load.Id, load => load.QueueDepth);
            return new(
                report.Silo,
                report.IsDraining ? SiloState.Draining : SiloState.Active,
                [
                    .. report.Devices.Select((device, place) => new DeviceStatus(
                        device,
                        ModelInstanceId.KindAndIndexOf(device).Split(':')[0],
                        report.Memory.ElementAtOrDefault(place),
                        [
                            .. instances[device]
                                .OrderBy(instance => instance.Id.Model.Name, StringComparer.Ordinal)
                                .ThenBy(instance => instance.Id.Model.Version)
                                .Select(instance => new DeviceModel(instance.Id.Model, instance.State, loads.GetValueOrDefault(instance.Id))),
                        ])),
                ]);
        }
    }

    /// <summary>The model versions that are to be on devices.</summary>
    private Dictionary<ModelId, WantedModel> Wanted => _wanted ??= FindWanted();

    private Dictionary<ModelInstanceId, ModelInstanceStatus> Instances => _instances ??= reports
        .SelectMany(report => report.Instances)
        .DistinctBy(instance => instance.Id)
        .ToDictionary(instance => instance.Id);

    /// <summary>
    /// Where there is room for all models they are loaded, on as many devices as their configuration says; where there is not, each has a place or
    /// more on demand. A silo of one kind may be beside one of the other.
    /// </summary>
    private IEnumerable<ModelPlace> FindPlaces()
    {
        var taking = reports.Where(report => !report.IsDraining).ToList();
        var ample = FindDevices(taking.Where(report => !report.LoadsOnDemand));
        var scarce = FindDevices(taking.Where(report => report.LoadsOnDemand));
        foreach (var (id, device) in Plan(ample, Wanted.Values.Select(model => model.DemandOf(all: ample.Count))))
            yield return new(new(id, device), Wanted[id].On(device).Revision, Wanted[id].IsIdle);
        var rest = Wanted.Values.Where(model => model.Descriptor.Replicas == 0 || !ample.Any(model.Admits));
        foreach (var group in Plan(scarce, rest.Select(model => model.DemandOf(all: Math.Max(model.Descriptor.MinInstances, 1)))).GroupBy(place => place.Id))
        {
            foreach (var (device, rank) in group.Select((place, rank) => (place.Device, rank)))
            {
                var publication = Wanted[group.Key].On(device);
                yield return new(new(group.Key, device), publication.Revision, rank >= publication.Descriptor!.MinInstances);
            }
        }
    }

    private IEnumerable<(ModelId Id, string Device)> Plan(IReadOnlyList<PlacementDevice> devices, IEnumerable<PlacementDemand> demands)
    {
        if (devices.Count == 0) return [];
        var asked = demands.ToList();
        var there = Instances.Values
            .Where(instance => instance.State is ModelState.Ready or ModelState.Loading)
            .ToLookup(instance => instance.Id.Model, instance => instance.Id.Device);
        var current = asked.ToDictionary(
            demand => demand.Model, IReadOnlyList<string> (demand) => placement?.GetValueOrDefault(demand.Model) ?? [.. there[demand.Model]]);
        return ReplicaPlanner.Plan(devices, asked, current).SelectMany(pair => pair.Value.Select(device => (pair.Key, device)));
    }

    private static List<PlacementDevice> FindDevices(IEnumerable<SiloReport> silos) =>
    [
        .. silos.SelectMany(report =>
        {
            var waiting = report.Loads.ToLookup(load => load.Id.Device, load => load.QueueDepth);
            return report.Devices.Select((device, place) =>
                new PlacementDevice(device, report.Memory.ElementAtOrDefault(place).TotalBytes, waiting[device].Sum()));
        }),
    ];

    private Dictionary<ModelId, WantedModel> FindWanted()
    {
        var wanted = new Dictionary<ModelId, WantedModel>();
        foreach (var report in reports)
        {
            foreach (var publication in report.Models)
            {
                if (publication.Reason.Length > 0 || !wishes.IsWanted(publication) || publication.Descriptor!.Ensemble is not null) continue;
                if (!wanted.TryGetValue(publication.Id, out var model))
                    wanted[publication.Id] = model = new(publication.Descriptor, scales?.TryGetValue(publication.Id, out var scale) == true ? scale : null);
                model.Publications[report.Silo] = publication;
            }
        }

        foreach (var instance in Instances.Values)
        {
            if (wanted.TryGetValue(instance.Id.Model, out var model)) model.MemoryBytes = Math.Max(model.MemoryBytes, instance.MemoryBytes);
        }

        return wanted;
    }

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
            // Where the model is to be loaded again, that counts.
            ({ } instance, _) when instance.State != ModelState.Unloading || publication is null || !wishes.IsWanted(publication) =>
                (instance.State, instance.Reason),
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

    /// <summary>A model version that is to be on devices.</summary>
    /// <param name="descriptor">Its description.</param>
    /// <param name="scale">How many replicas it is to have, where that follows the load.</param>
    private sealed class WantedModel(ModelDescriptor descriptor, int? scale)
    {
        public ModelDescriptor Descriptor => descriptor;

        /// <summary>Whether it is only on demand where others are loaded.</summary>
        public bool IsIdle => scale == 0;

        /// <summary>What the silos have of it, by their names: each loads what its own repository says, which may not have been read again yet.</summary>
        public Dictionary<string, ModelPublication> Publications { get; } = [];

        public long MemoryBytes { get; set; }

        public ModelPublication On(string device) => Publications[ModelInstanceId.SiloOf(device)];

        public bool Admits(PlacementDevice device) =>
            Publications.ContainsKey(ModelInstanceId.SiloOf(device.Name)) && CatalogState.Admits(descriptor, device.Name);

        /// <param name="all">On how many devices it is to be where its configuration does not say.</param>
        public PlacementDemand DemandOf(int all)
        {
            var replicas = descriptor.Autoscaling is { } limits ? Math.Max(scale ?? limits.MinReplicas, 1)
                : descriptor.Replicas == 0 ? all
                : descriptor.Replicas;
            return new(descriptor.Id, replicas, MemoryBytes, Admits);
        }
    }

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
