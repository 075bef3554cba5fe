using System.Globalization;
using System.Security.Cryptography;
using System.Text;

using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Quarantine;

/// <summary>Tells one content of a version's files from another, as far as names, lengths and times do.</summary>
internal static class ModelRevision
{
    public static string Of(ModelVersion version)
    {
        try
        {
            var shared = new DirectoryInfo(version.ModelFolder).EnumerateFiles();
            var own = new DirectoryInfo(Path.GetDirectoryName(version.ModelPath)!).EnumerateFiles("*", SearchOption.AllDirectories);
            var lines = shared.Concat(own)
                .Select(file => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Path.GetRelativePath(version.ModelFolder, file.FullName)} {file.Length} {file.LastWriteTimeUtc.Ticks}"))
                .Order(StringComparer.Ordinal);
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))))[..16];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What cannot be read cannot be loaded either.
            return "";
        }
    }
}
