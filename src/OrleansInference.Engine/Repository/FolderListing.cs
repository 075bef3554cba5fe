using System.Globalization;
using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;

namespace OrleansInference.Engine.Repository;

/// <summary>What files there are, how long they are and when they were written: what tells, without reading them, whether they have changed.</summary>
internal static class FolderListing
{
    /// <summary>So many links may lead on to one another, as on Linux.</summary>
    private const int MaxLinks = 40;

    private const int MaxDepth = 32;

    /// <summary>A short text that is another one as soon as any of the files is.</summary>
    /// <param name="folder">What the names are relative to, so that silos that share files agree.</param>
    /// <param name="files">The files.</param>
    public static string Fingerprint(string folder, IEnumerable<FileSystemInfo> files)
    {
        var lines = files.Select(file => Describe(folder, file)).Order(StringComparer.Ordinal);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))))[..16];
    }

    /// <summary>The fingerprint of all that a model's folder holds; null where there is no such folder.</summary>
    public static string? Fingerprint(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? Fingerprint(folder, ListAll(folder)) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Something went while it was being looked at, or must not be looked at.
            return exception.GetType().Name;
        }
    }

    /// <summary>The first link below a folder, or behind another link there, that leads out of a repository, by its name; null where none does.</summary>
    public static string? FindEscape(string root, string folder)
    {
        var inside = Resolve(root) + Path.DirectorySeparatorChar;
        foreach (var entry in ListBehindLinks(folder).Prepend(new DirectoryInfo(folder)))
        {
            if (entry.LinkTarget is not null && !Resolve(entry.FullName).StartsWith(inside, StringComparison.Ordinal))
                return Path.GetRelativePath(root, entry.FullName);
        }

        return null;
    }

    private static string Describe(string folder, FileSystemInfo entry)
    {
        var content = entry.LinkTarget is null ? entry : entry.ResolveLinkTarget(returnFinalTarget: true) ?? entry;
        var length = content is FileInfo { Exists: true } file ? file.Length : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(folder, entry.FullName)}\n{length}\n{content.LastWriteTimeUtc.Ticks}\n");
    }

    /// <summary>Files and links at any depth. What lies behind a linked folder counts as the folder does: links may lead round and round.</summary>
    public static FileSystemEnumerable<FileSystemInfo> ListAll(string folder) => new(
        folder,
        (ref FileSystemEntry entry) => entry.ToFileSystemInfo(),
        new() { RecurseSubdirectories = true, AttributesToSkip = 0, MaxRecursionDepth = MaxDepth })
    {
        ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory || IsLink(ref entry),
        ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsLink(ref entry),
    };

    /// <summary>
    /// Files and links at any depth, also behind links to folders: what those lead to is listed once, under the name of the first. A link comes
    /// before what lies behind it.
    /// </summary>
    public static IEnumerable<FileSystemInfo> ListBehindLinks(string folder)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal) { Resolve(folder) };
        var pending = new Queue<string>([folder]);
        while (pending.TryDequeue(out var next))
        {
            foreach (var entry in ListAll(next).OrderBy(entry => entry.FullName, StringComparer.Ordinal))
            {
                yield return entry;
                if (entry is DirectoryInfo && listed.Add(Resolve(entry.FullName))) pending.Enqueue(entry.FullName);
            }
        }
    }

    private static bool IsLink(ref FileSystemEntry entry) => entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

    /// <summary>The path without links, as far as it exists.</summary>
    /// <exception cref="IOException">The links lead in a circle.</exception>
    private static string Resolve(string path)
    {
        for (var links = 0; links < MaxLinks; links++)
        {
            var resolved = Path.GetPathRoot(path)!;
            var parts = path[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
            var place = 0;
            string? target = null;
            for (; place < parts.Length && target is null; place++)
            {
                resolved = Path.Combine(resolved, parts[place]);
                target = new FileInfo(resolved).LinkTarget;
            }

            if (target is null) return resolved;
            path = Path.GetFullPath(Path.Combine([Path.GetDirectoryName(resolved)!, target, .. parts[place..]]));
        }

        throw new IOException($"'{Path.GetFileName(path)}' is reached through more than {MaxLinks} links");
    }
}
