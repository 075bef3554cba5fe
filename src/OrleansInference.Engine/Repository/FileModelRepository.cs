using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// Model folders as Triton lays them out: <c>&lt;repository&gt;/&lt;model&gt;/config.json</c> and
/// <c>&lt;repository&gt;/&lt;model&gt;/&lt;version&gt;/model.pt</c> or <c>model.onnx</c>. Read when it is made, and one by one when that is asked for.
/// </summary>
internal sealed partial class FileModelRepository : IModelRepository
{
    private readonly IReadOnlyList<string> _roots;
    private readonly ConcurrentDictionary<string, ModelFolder> _models = new(StringComparer.Ordinal);
    private readonly Lock _refreshing = new();

    public FileModelRepository(IReadOnlyList<string> roots)
    {
        _roots = roots;
        var names = roots
            .SelectMany(root => Directory.EnumerateDirectories(root))
            .Select(folder => Path.GetFileName(folder))
            .Where(name => !name.StartsWith('.'))
            .Distinct();
        foreach (var name in names) _models[name] = Read(name);
    }

    public IReadOnlyList<ModelPublication> Publications =>
        [.. _models.OrderBy(model => model.Key, StringComparer.Ordinal).SelectMany(model => model.Value.Publications)];

    public ModelVersion? Find(ModelId id) =>
        _models.TryGetValue(id.Name, out var model) ? model.Versions.FirstOrDefault(version => version.Id == id) : null;

    public IReadOnlyList<ModelPublication> Refresh(string model)
    {
        lock (_refreshing)
        {
            // What is no name of a model may be a path to somewhere else.
            if (!NamePattern().IsMatch(model)) return [];
            var now = Read(model);
            var before = _models.GetValueOrDefault(model, ModelFolder.None);
            if (now.Publications.Count == 0)
            {
                // What never could be served goes with its folder.
                if (before.Versions.Count == 0) _models.TryRemove(model, out _);
                return [];
            }

            if (now.Versions.Count > 0 || before.Versions.Count == 0) _models[model] = now.KeepUnchanged(before);
            return now.Publications;
        }
    }

    /// <summary>Reads one version of one model, as the verifying process does.</summary>
    /// <param name="modelFolder">The model's folder.</param>
    /// <param name="version">The version.</param>
    /// <param name="other">Another version's configuration, read at the same time.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with everything that is wrong.</exception>
    public static ModelVersion Open(string modelFolder, int version, ModelConfig? other = null)
    {
        var (config, errors) = ModelConfigReader.Read(modelFolder, version, other);
        return config is null
            ? throw new InferenceException(InferenceError.NotReady, Broken(errors))
            : new ModelVersion(new(config.Name, version), config, modelFolder);
    }

    private ModelFolder Read(string name)
    {
        try
        {
            return Read(name, [.. _roots.Select(root => Path.Combine(root, name)).Where(Directory.Exists)]);
        }
        catch (Exception exception)
        {
            // A folder that cannot be read, for whatever reason, is one model's trouble, not its neighbours'.
            return ModelFolder.Broken(new(name, 0), exception.Message);
        }
    }

    private static ModelFolder Read(string name, List<string> folders)
    {
        if (folders.Count == 0) return ModelFolder.None;
        if (!NamePattern().IsMatch(name))
            return ModelFolder.Broken(new(name, 0), $"'{name}' is no model name: letters, digits, '.', '_' and '-' are allowed");
        if (folders.Count > 1)
            return ModelFolder.Broken(new(name, 0), $"the model is in more than one repository: {string.Join(", ", folders)}");

        var versions = FindVersions(folders[0]);
        var (policy, isEnsemble) = ModelConfigReader.ReadOutline(folders[0]);
        // An ensemble has no file of its own, and may do without the folder for it.
        if (isEnsemble && versions.Count == 0) versions = [1];
        var served = policy.Select(versions).Order().ToList();
        if (served.Count > 0) return ReadVersions(name, folders[0], served);
        return ModelFolder.Broken(new(name, 0), versions.Count == 0
            ? "the model has no version: a folder named 1, 2, ... with its file is missing"
            : $"the version_policy admits none of the versions {string.Join(", ", versions)}");
    }

    private static ModelFolder ReadVersions(string name, string folder, List<int> served)
    {
        var versions = new List<ModelVersion>();
        var publications = new List<ModelPublication>();
        ModelConfig? shared = null;
        foreach (var number in served)
        {
            var id = new ModelId(name, number);
            try
            {
                var version = Open(folder, number, shared);
                if (version.Config.Routing is { } routing && RoutingReader.FindUnserved(routing, served) is { } unserved)
                    return ModelFolder.Broken(new(name, served[^1]), Broken([unserved]));
                shared = version.Config;
                var fault = version.FindFault();
                publications.Add(new(id, version.Descriptor, fault));
                if (fault.Length == 0) versions.Add(version);
            }
            catch (InferenceException exception)
            {
                publications.Add(new(id, null, exception.Message));
            }
        }

        // What is wrong with all of them alike is the configuration.
        return versions.Count == 0 && publications.DistinctBy(publication => publication.Reason).Count() == 1 && publications[^1].Descriptor is null
            ? ModelFolder.Broken(new(name, served[^1]), publications[^1].Reason)
            : new(versions, publications);
    }

    /// <summary>The version folders: positive numbers without leading zeros. Any other folder is the model's own business.</summary>
    private static List<int> FindVersions(string modelFolder) =>
    [
        .. Directory.EnumerateDirectories(modelFolder)
            .Select(folder => Path.GetFileName(folder))
            .Where(name => name[0] != '0')
            .Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Where(version => version > 0)
            .Order(),
    ];

    private static string Broken(IEnumerable<string> errors) => $"{ModelConfigReader.FileName}: {string.Join("; ", errors)}";

    /// <summary>What is known of one model's folder.</summary>
    private sealed record ModelFolder(IReadOnlyList<ModelVersion> Versions, IReadOnlyList<ModelPublication> Publications)
    {
        public static readonly ModelFolder None = new([], []);

        public static ModelFolder Broken(ModelId id, string reason) => new([], [new(id, null, reason)]);

        public ModelFolder KeepUnchanged(ModelFolder before) => this with
        {
            Versions = [.. Versions.Select(version => before.Versions.FirstOrDefault(version.IsSameAs) ?? version)],
        };
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    private static partial Regex NamePattern();
}
