using System.Globalization;
using System.Text;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// The models that were loaded with a configuration or files of someone's own. They lie in a hidden folder of the repository, so that all silos
/// that share it have them, and have them after a restart too. What comes from the repository itself is linked to.
/// </summary>
internal sealed class ModelOverrides(IReadOnlyList<string> roots, TimeProvider time)
{
    public const int MaxFiles = 1000;

    private const string Folder = ".overrides";

    /// <summary>Those that hold, beside drafts that are as deep, so that links lead the same way from both.</summary>
    private const string Current = "current";

    private const int MaxDepth = 8;

    private const int MaxNameBytes = 255;

    /// <summary>No verification takes longer: what is older was left by a process that was killed.</summary>
    private static readonly TimeSpan MaxDraftAge = TimeSpan.FromDays(2);

    /// <summary>The folders that stand for all others of that model; none where it has not been overridden.</summary>
    public IEnumerable<ModelLocation> Find(string model) =>
        roots.Select(root => new ModelLocation(root, Path.Combine(root, Folder, Current, model))).Where(place => Directory.Exists(place.Folder));

    public IEnumerable<string> List() => roots.Select(root => Path.Combine(root, Folder, Current)).Where(Directory.Exists).SelectMany(FileModelRepository.ListFolders);

    /// <summary>Writes an override, which changes nothing before it is adopted.</summary>
    /// <param name="model">A model's name.</param>
    /// <param name="content">What the model is loaded with.</param>
    /// <param name="original">The model's own folder; null where it has none.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/>: a file's name is none; <see cref="InferenceError.NotReady"/>: the repository cannot be written.
    /// </exception>
    public Draft Write(string model, ModelOverride content, ModelLocation? original)
    {
        Check(content, original);
        // Beside the model's own folder, to which it links.
        var root = original?.Root ?? roots[0];
        var draft = new Draft(this, new(root, Path.Combine(root, Folder, $"{Guid.NewGuid():N}", model)));
        try
        {
            RemoveLeftDrafts(root);
            WriteDraft(draft.Place.Folder, content, original);
            return draft;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            draft.Dispose();
            throw Unwritable(exception);
        }
    }

    /// <summary>Goes back to what the repository holds.</summary>
    public void Remove(string model)
    {
        foreach (var place in Find(model)) Directory.Delete(place.Folder, recursive: true);
    }

    private void RemoveLeftDrafts(string root)
    {
        var folders = Directory.CreateDirectory(Path.Combine(root, Folder)).EnumerateDirectories();
        foreach (var folder in folders.Where(folder => folder.Name != Current && time.GetUtcNow() - folder.LastWriteTimeUtc > MaxDraftAge))
            folder.Delete(recursive: true);
    }

    private static void Check(ModelOverride content, ModelLocation? original)
    {
        if (content.Files.Count > MaxFiles)
            throw Refuse($"there are {content.Files.Count} files, but a model has {MaxFiles} at most");
        if (content.Files.Count == 0 && original is null)
            throw Refuse("no repository has such a model, and there is no file: parameter 'file:1/model.pt' would be one");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in content.Files)
        {
            if (!IsPlain(file.Path))
                throw Refuse($"parameter 'file:{file.Path}' names no file of the model's: expected '<version>/<file>', such as '1/model.pt'");
            if (!seen.Add(file.Path)) throw Refuse($"parameter 'file:{file.Path}' is there twice");
        }

        foreach (var file in content.Files)
        {
            if (FoldersOf(file.Path).FirstOrDefault(seen.Contains) is { } folder)
                throw Refuse($"parameter 'file:{folder}' names a file, and parameter 'file:{file.Path}' a file in a folder of that name");
        }
    }

    private static IEnumerable<string> FoldersOf(string path) =>
        path.Select((letter, index) => (letter, index)).Where(item => item.letter == '/').Select(item => path[..item.index]);

    /// <summary>Whether a path leads to a file in a version's folder, and nowhere else on any operating system.</summary>
    private static bool IsPlain(string path)
    {
        var parts = path.Split('/');
        return parts.Length is >= 2 and <= MaxDepth &&
            int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out _) && parts[0][0] != '0' &&
            parts.All(part => part.Length > 0 && Encoding.UTF8.GetByteCount(part) <= MaxNameBytes && part is not ("." or "..") && !part.EndsWith('.') && !part.EndsWith(' ') &&
                part.All(letter => letter >= ' ' && !@"\:*?""<>|".Contains(letter, StringComparison.Ordinal)));
    }

    private static void WriteDraft(string folder, ModelOverride content, ModelLocation? original)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in content.Files)
        {
            var path = Path.Combine(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, file.Content);
        }

        File.WriteAllText(Path.Combine(folder, ModelConfigReader.FileName), content.Configuration, new UTF8Encoding(false));
        if (original is null) return;
        foreach (var entry in new DirectoryInfo(original.Folder).EnumerateFileSystemInfos())
        {
            // Whoever brings files brings all versions; labels, vocabularies and the like are the model's.
            if (entry.Name.StartsWith("config.", StringComparison.Ordinal) || (content.Files.Count > 0 && entry is DirectoryInfo)) continue;
            var link = Path.Combine(folder, entry.Name);
            // Relative, so that the repository may lie elsewhere on other machines.
            var target = Path.GetRelativePath(folder, entry.FullName);
            if (entry is DirectoryInfo) Directory.CreateSymbolicLink(link, target);
            else File.CreateSymbolicLink(link, target);
        }
    }

    private static bool IsSame(string left, string right) =>
        Directory.Exists(right) && List(left).SequenceEqual(List(right)) && List(left).All(file => IsSameFile(Path.Combine(left, file), Path.Combine(right, file)));

    private static bool IsSameFile(string left, string right) =>
        new FileInfo(left).LinkTarget == new FileInfo(right).LinkTarget &&
        (new FileInfo(left).LinkTarget is not null || File.ReadAllBytes(left).AsSpan().SequenceEqual(File.ReadAllBytes(right)));

    private static IEnumerable<string> List(string folder) =>
        FolderListing.ListAll(folder).Select(entry => Path.GetRelativePath(folder, entry.FullName)).Order(StringComparer.Ordinal);

    private static InferenceException Unwritable(Exception exception) =>
        new(InferenceError.NotReady, $"the repository cannot be written: {exception.Message}", exception);

    private static InferenceException Refuse(string reason) => new(InferenceError.InvalidArgument, reason);

    /// <summary>An override that has been written, but does not hold yet. It lies in a folder of its own, which goes with it.</summary>
    internal sealed class Draft(ModelOverrides overrides, ModelLocation place) : IDisposable
    {
        /// <summary>Under the model's own name, which its configuration may give.</summary>
        public ModelLocation Place => place;

        private string Model => Path.GetFileName(place.Folder);

        public ModelFolder Read() => ModelFolderReader.Read(Model, [place]);

        /// <summary>Has it take the place of the one before, unless that is the same.</summary>
        /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the repository cannot be written.</exception>
        public void Adopt()
        {
            try
            {
                var target = Path.Combine(place.Root, Folder, Current, Model);
                if (IsSame(place.Folder, target)) return;
                overrides.Remove(Model);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                Directory.Move(place.Folder, target);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw Unwritable(exception);
            }
        }

        public void Dispose()
        {
            var folder = Path.GetDirectoryName(place.Folder)!;
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>Where a model lies.</summary>
/// <param name="Root">The repository.</param>
/// <param name="Folder">The model's folder in it.</param>
internal sealed record ModelLocation(string Root, string Folder);
