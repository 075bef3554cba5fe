using System.Globalization;
using System.Text.RegularExpressions;

using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads a model's folder as Triton lays it out: <c>config.json</c> or <c>config.pbtxt</c>, and for each version a folder with its file.</summary>
internal static partial class ModelFolderReader
{
    /// <summary>So many of a configuration's mistakes are told: the reason is part of every report.</summary>
    private const int MaxErrors = 100;

    public static bool IsModelName(string name) => NamePattern().IsMatch(name);

    /// <summary>Reads what all repositories hold of one model.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="locations">Where the repositories have a folder of that name.</param>
    public static ModelFolder Read(string name, IReadOnlyList<ModelLocation> locations)
    {
        try
        {
            if (locations.Count == 0) return ModelFolder.None;
            if (!IsModelName(name)) return ModelFolder.Broken(new(name, 0), $"'{name}' is no model name: letters, digits, '.', '_' and '-' are allowed");
            if (locations.Count > 1)
                return ModelFolder.Broken(new(name, 0), $"the model is in more than one repository: {string.Join(", ", locations.Select(location => location.Root))}");
            var (root, folder) = locations[0];
            return FolderListing.FindEscape(root, folder) is { } link
                ? ModelFolder.Broken(new(name, 0), $"the link '{link}' leads out of the repository")
                : ReadFolder(name, folder);
        }
        catch (Exception exception)
        {
            // A folder that cannot be read, for whatever reason, is one model's trouble, not its neighbours'.
            return ModelFolder.Broken(new(name, 0), exception.Message);
        }
    }

    /// <summary>Reads one version of one model, as the verifying process does.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="version">The version.</param>
    /// <param name="other">Another version's configuration, read at the same time.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with everything that is wrong.</exception>
    public static ModelVersion Open(string folder, int version, ModelConfig? other = null)
    {
        var (config, errors) = ModelConfigReader.Read(folder, version, other);
        return config is null
            ? throw new InferenceException(InferenceError.NotReady, Broken(folder, errors))
            : new ModelVersion(new(config.Name, version), config, folder);
    }

    private static ModelFolder ReadFolder(string name, string folder)
    {
        var (versions, mistaken) = FindVersions(folder);
        var (policy, isEnsemble) = ModelConfigReader.ReadOutline(folder);
        // An ensemble has no file of its own, and may do without the folder for it.
        if (isEnsemble && versions.Count == 0) versions = [1];
        var served = policy.Select(versions).Order().ToList();
        var notice = mistaken.Count == 0
            ? ""
            : $"a version's folder is named 1, 2, ... without leading zeros, not {string.Join(" or ", mistaken.Select(found => $"'{found}'"))}";
        if (served.Count > 0) return ReadVersions(name, folder, served).WithNotice(notice);
        return ModelFolder.Broken(new(name, 0), (versions.Count, notice.Length) switch
        {
            ( > 0, _) => $"the version_policy admits none of the versions {string.Join(", ", versions)}",
            (_, > 0) => $"the model has no version: {notice}",
            _ => "the model has no version: a folder named 1, 2, ... with its file is missing",
        });
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
                    return ModelFolder.Broken(new(name, served[^1]), Broken(folder, [unserved]));
                shared = version.Config;
                var fault = version.FindFault();
                publications.Add(new(id, version.Descriptor, fault) { Revision = version.Revision });
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

    /// <summary>
    /// The version folders: positive numbers without leading zeros. Any other folder is the model's own business, unless it has a number for
    /// its name, or a model's file in it: that was meant to be a version.
    /// </summary>
    private static (List<int> Versions, List<string> Mistaken) FindVersions(string folder)
    {
        var names = Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToList();
        return (
            [.. names.Select(ToVersion).Where(version => version > 0).Order()],
            [.. names.Where(name => ToVersion(name) == 0 && (IsNumber(name) || HasModelFile(Path.Combine(folder, name))))]);

        static int ToVersion(string name) =>
            name[0] != '0' && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;
        static bool IsNumber(string name) => double.TryParse(name, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _);
        static bool HasModelFile(string version) =>
            File.Exists(Path.Combine(version, TorchRuntime.ModelFile)) || File.Exists(Path.Combine(version, OnnxRuntime.ModelFile));
    }

    private static string Broken(string folder, IReadOnlyList<string> errors)
    {
        var more = errors.Count > MaxErrors ? $"; and {errors.Count - MaxErrors} more mistakes" : "";
        return $"{ModelConfigReader.FileNameIn(folder)}: {string.Join("; ", errors.Take(MaxErrors))}{more}";
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}\z")]
    private static partial Regex NamePattern();
}
