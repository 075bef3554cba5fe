using System.Text;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// What a TorchScript archive tells of itself. It is read without libtorch, which is not to see a file that nobody has verified: an archive is
/// a zip with the module's attributes as a pickle, of which only the class's name is read, and with the source of its classes.
/// </summary>
internal sealed record TorchArchive
{
    /// <summary>Beyond it nothing is said of the state that a module keeps.</summary>
    private const long MaxSourceBytes = 16 << 20;

    /// <summary>Of all archives that <c>torch.save</c> wrote before it wrote zip archives: a pickled number that nobody else begins with.</summary>
    private static ReadOnlySpan<byte> PickleOfOld => [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9];

    /// <summary>Why it is none; empty where nothing speaks against it.</summary>
    public string Fault { get; private init; } = "";

    /// <summary>What <c>forward</c> takes and returns; null where the source is written as the reader does not expect.</summary>
    public ForwardSchema? Forward { get; private init; }

    /// <summary>The keys that stand in the source of <c>forward</c>, where it returns a dict.</summary>
    public IReadOnlyList<string> Keys { get; private init; } = [];

    /// <summary>Whether its code changes the module's attributes from one call to the next.</summary>
    public bool KeepsState { get; private init; }

    /// <summary>Reads a version's file.</summary>
    /// <returns>Null where there is none.</returns>
    public static TorchArchive? Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Read(file);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            var reason = exception is InvalidDataException or EndOfStreamException ? exception.Message : $"the file cannot be read: {exception.Message}";
            return new() { Fault = $"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}: {reason}" };
        }
    }

    /// <summary>The source of the module that was saved; null where the archive is written as this reader does not expect.</summary>
    /// <exception cref="InvalidDataException">This is no archive of TorchScript.</exception>
    public static ModuleSource? FindSource(ZipDirectory archive)
    {
        const string Attributes = "data.pkl";
        var root = archive.Entries is [var first, ..] ? first.Name.Split('/')[0] : "";
        var (attributes, attributesOfOld, code) = ($"{root}/{Attributes}", $"{root}/model.json", $"{root}/code/");
        if (archive.Entries.FirstOrDefault(entry => entry.Name == attributes) is not { } found)
        {
            return archive.Entries.Any(entry => entry.Name == attributesOfOld)
                ? null
                : throw new InvalidDataException($"it is a zip archive, but none of TorchScript: it has no {Attributes}");
        }

        return archive.Entries.Any(entry => entry.Name.StartsWith(code, StringComparison.Ordinal))
            ? ModuleSource.Find(archive, root, found)
            : throw NotScripted();
    }

    private static TorchArchive Read(FileStream file)
    {
        CheckBeginning(file);
        var archive = new ZipDirectory(file);
        var source = FindSource(archive);
        if (source is { ForwardAt: < 0 })
        {
            var methods = string.Join(", ", source.Methods.Select(method => $"'{method}'"));
            throw new InvalidDataException($"its module has no method 'forward', but {(methods.Length > 0 ? methods : "none at all")}");
        }

        return new() { Forward = source?.Schema, Keys = source?.Keys ?? [], KeepsState = ModuleState.IsKept(ReadSources(archive)) };
    }

    /// <summary>The code of the user's own classes.</summary>
    private static List<string> ReadSources(ZipDirectory archive)
    {
        var own = archive.Entries.Where(entry =>
            entry.Name.EndsWith(".py", StringComparison.Ordinal) &&
            entry.Name.Contains("/code/__torch__", StringComparison.Ordinal) &&
            !entry.Name.Contains("/code/__torch__/torch/", StringComparison.Ordinal)).ToList();
        return own.Sum(entry => Math.Min(entry.Size, MaxSourceBytes)) > MaxSourceBytes
            ? []
            : own.ConvertAll(entry => Encoding.UTF8.GetString(archive.Read(entry, (int)MaxSourceBytes)));
    }

    private static void CheckBeginning(FileStream file)
    {
        if (file.Length == 0) throw new InvalidDataException("the file is empty, and no zip archive, as those of TorchScript are");
        Span<byte> beginning = stackalloc byte[PickleOfOld.Length];
        var read = file.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false);
        if (beginning[..read].SequenceEqual(PickleOfOld)) throw NotScripted();
        if (!beginning[..read].StartsWith("PK"u8)) throw new InvalidDataException("the file is no zip archive, as those of TorchScript are");
    }

    private static InvalidDataException NotScripted() => new(
        "it has no code, but a state dict or a pickled module, as torch.save writes them; " +
        "save the module with torch.jit.script(module).save(path), or with torch.jit.trace(module, example).save(path)");
}
