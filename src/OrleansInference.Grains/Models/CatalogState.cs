namespace OrleansInference.Grains.Models;

/// <summary>Pure: what follows from the silos' latest reports.</summary>
internal static class CatalogState
{
    /// <summary>Every model version of the cluster, with the state of its instances.</summary>
    public static IReadOnlyList<ModelEntry> Merge(IReadOnlyCollection<SiloReport> reports)
    {
        var instances = reports.SelectMany(report => report.Instances).ToLookup(instance => instance.Id.Model);
        return
        [
            .. reports
                .SelectMany(report => report.Models)
                .GroupBy(publication => publication.Id)
                // Silos read the same repository; where one cannot read a model, the word of one that can counts.
                .Select(group => group.FirstOrDefault(publication => publication.Reason.Length == 0) ?? group.First())
                .Select(publication => ToEntry(publication, reports, instances[publication.Id]))
                .OrderBy(entry => entry.Id.Name, StringComparer.Ordinal)
                .ThenBy(entry => entry.Id.Version),
        ];
    }

    /// <summary>The instances that should exist and do not: one on every device that the model's configuration admits.</summary>
    public static IReadOnlyList<ModelInstanceId> FindMissing(IReadOnlyCollection<SiloReport> reports)
    {
        var existing = reports.SelectMany(report => report.Instances).Select(instance => instance.Id).ToHashSet();
        return
        [
            .. from report in reports
               from publication in report.Models
               where publication.Reason.Length == 0
               from device in report.Devices
               where Admits(publication.Descriptor!, device)
               let instance = new ModelInstanceId(publication.Id, device)
               where !existing.Contains(instance)
               select instance,
        ];
    }

    private static ModelEntry ToEntry(
        ModelPublication publication, IReadOnlyCollection<SiloReport> reports, IEnumerable<ModelInstanceStatus> instances)
    {
        var all = instances.ToList();
        // Better states have higher numbers, but one that is going away is no better than none.
        var best = all.OrderByDescending(instance => instance.State == ModelState.Unloading ? 0 : (int)instance.State).FirstOrDefault();
        var (state, reason) = (publication.Reason, best) switch
        {
            ({ Length: > 0 } broken, _) => (ModelState.Unavailable, broken),
            (_, { } instance) => (instance.State, instance.Reason),
            _ when !reports.SelectMany(report => report.Devices).Any(device => Admits(publication.Descriptor!, device)) =>
                (ModelState.Unavailable, $"no device of the cluster is one of those that its instance_group asks for: {string.Join(", ", publication.Descriptor!.DeviceKinds)}"),
            _ => (ModelState.Loading, "the model is about to be loaded"),
        };
        return new() { Id = publication.Id, State = state, Reason = reason, Descriptor = publication.Descriptor, Instances = all };
    }

    /// <summary>Whether a device named <c>silo.kind:index</c> is of a kind, or exactly one, that the model admits.</summary>
    private static bool Admits(ModelDescriptor model, string device)
    {
        var kindAndIndex = device[(device.LastIndexOf('.') + 1)..];
        return model.DeviceKinds.Count == 0 ||
            model.DeviceKinds.Any(admitted => kindAndIndex == admitted || kindAndIndex.StartsWith(admitted + ":", StringComparison.Ordinal));
    }
}
