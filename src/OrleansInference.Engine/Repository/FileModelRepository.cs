using System.Collections.Concurrent;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// The models in some folders. They are read when it is made, one by one when that is asked for, and those that have changed when
/// <see cref="Scan"/> finds so.
/// </summary>
internal sealed class FileModelRepository : IModelRepository
{
    /// <summary>Files that have not changed for so long are taken for written.</summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(1);

    /// <summary>The reason of a model that is looked at again in a moment.</summary>
    public const string BeingWritten = "its files are being written";

    private readonly IReadOnlyList<string> _roots;
    private readonly ModelOverrides _overrides;
    private readonly Predicate<string> _isLoadedByItself;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, ModelFolder> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string? Fingerprint, long Since)> _changing = new(StringComparer.Ordinal);
    private readonly Lock _reading = new();
    private IReadOnlyList<ModelPublication>? _publications;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="roots">The folders, each of which holds a folder for each of its models.</param>
    /// <param name="isLoadedByItself">Whether a model is loaded without being asked for; null where all are.</param>
    /// <param name="time">The clock by which files settle; null for the system's.</param>
    public FileModelRepository(IReadOnlyList<string> roots, Predicate<string>? isLoadedByItself = null, TimeProvider? time = null)
    {
        _roots = roots;
        _isLoadedByItself = isLoadedByItself ?? (_ => true);
        _time = time ?? TimeProvider.System;
        _overrides = new(roots, _time);
        foreach (var name in roots.SelectMany(ListFolders).Concat(_overrides.List()).Distinct()) _models[name] = Read(name);
    }

    public Task Changed => Volatile.Read(ref _changed).Task;

    public IReadOnlyList<ModelPublication> Publications => Volatile.Read(ref _publications) ?? ReadPublications();

    public ModelVersion? Find(ModelId id) =>
        _models.TryGetValue(id.Name, out var model) ? model.Versions.FirstOrDefault(version => version.Id == id) : null;

    public IReadOnlyList<ModelPublication> Refresh(string model)
    {
        // What is no name of a model may be a path to somewhere else.
        if (!ModelFolderReader.IsModelName(model)) return [];
        lock (_reading)
        {
            if (OriginalsOf(model).Count > 0) _overrides.Remove(model);
            return ReadAgain(model);
        }
    }

    public async Task<IReadOnlyList<ModelPublication>> OverrideAsync(string model, ModelOverride content, Func<ModelVersion, Task<string?>> verify)
    {
        if (!ModelFolderReader.IsModelName(model)) return [];
        // Nothing else waits for it: to write it, and more so to verify it, may take long.
        using var draft = _overrides.Write(model, content, OriginalsOf(model).FirstOrDefault());
        var read = draft.Read();
        var reasons = new Dictionary<ModelId, string>();
        foreach (var version in read.Versions)
        {
            if (await verify(version).ConfigureAwait(false) is { } reason) reasons.Add(version.Id, reason);
        }

        if (reasons.Count == read.Versions.Count)
        {
            return
            [
                .. read.Publications.Select(publication =>
                    reasons.TryGetValue(publication.Id, out var reason) ? publication with { Reason = reason } : publication),
            ];
        }

        lock (_reading)
        {
            draft.Adopt();
            return ReadAgain(model);
        }
    }

    /// <summary>Reads what has changed and has settled, and takes away what has gone.</summary>
    /// <returns>Whether something is still being written.</returns>
    public bool Scan()
    {
        lock (_reading)
        {
            var (found, areAllThere) = FindModels();
            foreach (var name in found.Union(_models.Keys))
            {
                // A repository that cannot be reached has not lost its models.
                if (!areAllThere && !found.Contains(name)) continue;
                var known = _models.GetValueOrDefault(name, ModelFolder.None);
                var fingerprint = Fingerprint(name);
                if (fingerprint == known.Fingerprint)
                {
                    if (_changing.Remove(name)) Adopt(name, Read(name));
                }
                else if (!_changing.TryGetValue(name, out var seen) || seen.Fingerprint != fingerprint)
                {
                    _changing[name] = (fingerprint, _time.GetTimestamp());
                    Set(name, known.Versions.Count > 0 ? known.WithNotice(BeingWritten) : ModelFolder.Broken(new(name, 0), BeingWritten));
                }
                else if (_time.GetElapsedTime(seen.Since) >= SettleTime)
                {
                    _changing.Remove(name);
                    Adopt(name, Read(name));
                }
            }

            return _changing.Count > 0;
        }
    }

    /// <summary>They are told again and again, and there may be thousands.</summary>
    private IReadOnlyList<ModelPublication> ReadPublications()
    {
        lock (_reading)
        {
            return _publications ??=
            [
                .. _models.OrderBy(model => model.Key, StringComparer.Ordinal).SelectMany(model =>
                    model.Value.Publications.Select(publication =>
                        publication with { Trigger = _isLoadedByItself(model.Key) ? LoadTrigger.Publication : LoadTrigger.Command })),
            ];
        }
    }

    private IReadOnlyList<ModelPublication> ReadAgain(string model)
    {
        _changing.Remove(model);
        var now = Read(model);
        // What never could be served goes with its folder; what could is not taken away by someone who asks for more.
        if (now.Publications.Count > 0 || _models.GetValueOrDefault(model, ModelFolder.None).Versions.Count == 0) Adopt(model, now);
        return now.Publications;
    }

    private void Adopt(string name, ModelFolder now) => Set(name, now.Publications.Count > 0 ? now.After(_models.GetValueOrDefault(name, ModelFolder.None)) : now);

    private void Set(string name, ModelFolder model)
    {
        if (model.Publications.Count > 0) _models[name] = model;
        else _models.TryRemove(name, out _);
        _publications = null;
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    private ModelFolder Read(string name)
    {
        // Before it is read: what changes meanwhile is found to have changed.
        var fingerprint = Fingerprint(name);
        IReadOnlyList<ModelLocation> overriding = [.. _overrides.Find(name)];
        return ModelFolderReader.Read(name, overriding.Count > 0 ? overriding : OriginalsOf(name)) with { Fingerprint = fingerprint };
    }

    private string? Fingerprint(string name)
    {
        // What an override links to counts too.
        List<ModelLocation> locations = [.. _overrides.Find(name), .. OriginalsOf(name)];
        return locations.Count == 0 ? null : string.Join('+', locations.Select(location => location.Folder + FolderListing.Fingerprint(location.Folder)));
    }

    private List<ModelLocation> OriginalsOf(string name) =>
        [.. _roots.Select(root => new ModelLocation(root, Path.Combine(root, name))).Where(location => Directory.Exists(location.Folder))];

    private (HashSet<string> Names, bool AreAllThere) FindModels()
    {
        var names = _overrides.List().ToHashSet(StringComparer.Ordinal);
        var areAllThere = true;
        foreach (var root in _roots)
        {
            try
            {
                names.UnionWith(ListFolders(root));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                areAllThere = false;
            }
        }

        return (names, areAllThere);
    }

    /// <summary>The folders in one that are not hidden.</summary>
    public static IEnumerable<string> ListFolders(string root) =>
        Directory.EnumerateDirectories(root).Select(folder => Path.GetFileName(folder)).Where(name => !name.StartsWith('.'));
}
