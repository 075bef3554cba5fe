using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// Model folders as Triton lays them out: <c>&lt;repository&gt;/&lt;model&gt;/config.json</c> and
/// <c>&lt;repository&gt;/&lt;model&gt;/&lt;version&gt;/model.pt</c>. Read once, when it is made.
/// </summary>
internal sealed partial class FileModelRepository : IModelRepository
{
    private readonly Dictionary<ModelId, ModelVersion> _versions = [];
    private readonly List<ModelPublication> _publications = [];

    public FileModelRepository(IReadOnlyList<string> roots)
    {
        var folders = roots
            .SelectMany(root => Directory.EnumerateDirectories(root))
            .Where(folder => !Path.GetFileName(folder).StartsWith('.'))
            .GroupBy(folder => Path.GetFileName(folder)!)
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        foreach (var group in folders)
        {
            try
            {
                Add(group.Key, [.. group]);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A folder that cannot be read is one model's trouble, not its neighbours'.
                Reject(new(group.Key, 0), exception.Message);
            }
        }
    }

    public IReadOnlyList<ModelPublication> Publications => _publications;

    public ModelVersion? Find(ModelId id) => _versions.GetValueOrDefault(id);

    /// <summary>Reads one version of one model, as the verifying process does.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with everything that is wrong.</exception>
    public static ModelVersion Open(string modelFolder, int version)
    {
        var (config, errors) = ModelConfigReader.Read(modelFolder);
        return config is null
            ? throw new InferenceException(InferenceError.NotReady, Broken(errors))
            : new ModelVersion(new(config.Name, version), config, modelFolder);
    }

    private void Add(string name, List<string> folders)
    {
        if (!NamePattern().IsMatch(name))
        {
            Reject(new(name, 0), $"'{name}' is no model name: letters, digits, '.', '_' and '-' are allowed");
            return;
        }

        if (folders.Count > 1)
        {
            Reject(new(name, 0), $"the model is in more than one repository: {string.Join(", ", folders)}");
            return;
        }

        var (config, errors) = ModelConfigReader.Read(folders[0]);
        var versions = FindVersions(folders[0]);
        if (config is null)
        {
            Reject(new(name, versions.DefaultIfEmpty(0).Max()), Broken(errors));
            return;
        }

        var served = config.VersionPolicy.Select(versions).Order().ToList();
        if (served.Count == 0)
        {
            Reject(new(name, 0), versions.Count == 0
                ? "the model has no version: a folder named 1, 2, ... with its file is missing"
                : $"the version_policy admits none of the versions {string.Join(", ", versions)}");
            return;
        }

        foreach (var number in served)
        {
            var version = new ModelVersion(new(name, number), config, folders[0]);
            if (!File.Exists(version.ModelPath))
            {
                _publications.Add(new(version.Id, version.Descriptor, $"the file {number}/{config.ModelFile} is missing"));
                continue;
            }

            _versions.Add(version.Id, version);
            _publications.Add(new(version.Id, version.Descriptor, ""));
        }
    }

    private void Reject(ModelId id, string reason) => _publications.Add(new(id, null, reason));

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

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    private static partial Regex NamePattern();
}
