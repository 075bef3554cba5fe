using OrleansInference.Ensembles;

namespace OrleansInference.Grains.Models;

/// <summary>Pure: in what state ensembles are, which follows from the models that they consist of.</summary>
internal sealed class EnsembleResolver
{
    /// <summary>A request of an ensemble may lead to so many requests of networks, by way of the ensembles in it.</summary>
    private const int MaxCalls = 1024;

    /// <summary>Ensembles in ensembles call each other, and each takes its part of a thread's stack.</summary>
    private const int MaxDepth = 16;

    private readonly ILookup<string, ModelEntry> _entries;
    private readonly Dictionary<ModelId, ModelEntry> _resolved = [];
    private readonly Dictionary<ModelId, string> _cycles = [];
    private readonly Dictionary<ModelId, int> _calls = [];
    private readonly List<ModelId> _path = [];

    private EnsembleResolver(IEnumerable<ModelEntry> entries) => _entries = entries.ToLookup(entry => entry.Id.Name);

    /// <param name="entries">All models, by name and version. Of ensembles those are resolved that nothing speaks against: that are loading.</param>
    public static IReadOnlyList<ModelEntry> Resolve(IReadOnlyList<ModelEntry> entries)
    {
        if (!entries.Any(IsOpen)) return entries;
        var resolver = new EnsembleResolver(entries);
        return [.. entries.Select(resolver.Resolve)];
    }

    private static bool IsOpen(ModelEntry entry) => entry is { Descriptor.Ensemble: not null, State: ModelState.Loading };

    private ModelEntry Resolve(ModelEntry entry)
    {
        if (!IsOpen(entry)) return entry;
        if (_resolved.TryGetValue(entry.Id, out var known)) return known;
        if (_path.IndexOf(entry.Id) is >= 0 and var start)
        {
            var cycle = _path[start..];
            var names = string.Join(" -> ", cycle.Append(entry.Id).Select(id => $"'{id.Name}'"));
            foreach (var id in cycle) _cycles.TryAdd(id, $"ensembles consist of each other: {names}");
            return entry with { State = ModelState.Unavailable, Reason = _cycles[entry.Id] };
        }

        if (_path.Count == MaxDepth)
            return entry with { State = ModelState.Unavailable, Reason = $"it lies more than {MaxDepth} ensembles deep in '{_path[0].Name}'" };
        _path.Add(entry.Id);
        var (state, reason) = Judge(entry.Descriptor!);
        _path.RemoveAt(_path.Count - 1);
        // Whatever an ensemble can do without: a request would go round and round.
        if (_cycles.TryGetValue(entry.Id, out var round)) (state, reason) = (ModelState.Unavailable, round);
        return _resolved[entry.Id] = entry with { State = state, Reason = reason };
    }

    private (ModelState State, string Reason) Judge(ModelDescriptor ensemble)
    {
        var plan = ensemble.Ensemble!;
        var models = plan.Steps.Select(Find).ToList();
        var mistakes = EnsembleTensors.FindMistakes(ensemble, [.. models.Select(model => model?.Descriptor)]).ToList();
        if (mistakes.Count > 0) return (ModelState.Unavailable, string.Join("; ", mistakes));

        var calls = models.Sum(model => model is null ? 0 : _calls.GetValueOrDefault(model.Id, 1));
        _calls[ensemble.Id] = Math.Min(calls, MaxCalls + 1);
        if (calls > MaxCalls) return (ModelState.Unavailable, $"a request leads to more than {MaxCalls} requests of the models in it");

        var missing = plan.Steps.Zip(models).Where(pair => pair.Second?.State != ModelState.Ready).Select(Describe).ToList();
        var required = plan.Aggregation?.Required ?? plan.Steps.Count;
        if (missing.Count == 0) return (ModelState.Ready, "");
        var reason = string.Join("; ", missing);
        if (models.Count - missing.Count >= required) return (ModelState.Ready, $"degraded: {reason}");
        var mayCome = models.Count(model => model?.State is ModelState.Ready or ModelState.Loading);
        return (mayCome >= required ? ModelState.Loading : ModelState.Unavailable, reason);
    }

    /// <summary>The version that a step asks: as requests do, the highest ready one where it names none.</summary>
    private ModelEntry? Find(EnsembleStep step)
    {
        var versions = _entries[step.Model].OrderByDescending(entry => entry.Id.Version);
        if (step.Version is { } version) return versions.Where(entry => entry.Id.Version == version).Select(Resolve).FirstOrDefault();
        return versions.Select(Resolve).OrderByDescending(entry => entry.State == ModelState.Ready).FirstOrDefault();
    }

    private static string Describe((EnsembleStep Step, ModelEntry? Model) pair)
    {
        var (step, model) = pair;
        var name = step.Version is { } version ? $"'{step.Model}' version {version}" : $"'{step.Model}'";
        return model is null ? $"there is no model {name}" : $"model {name} is not ready: {model.Reason}";
    }
}
