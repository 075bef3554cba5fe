using System.Security.Cryptography;
using System.Text;

using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>The SHA-256 over a version's own files: the model's, and what lies beside it, where an ONNX model may have its weights.</summary>
internal static class VersionChecksum
{
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file must not be read.</exception>
    public static string Compute(ModelVersion version)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var folder = Path.GetDirectoryName(version.ModelPath)!;
        var files = FolderListing.ListBehindLinks(folder).OfType<FileInfo>().Select(file => file.FullName);
        foreach (var path in files.Order(StringComparer.Ordinal))
        {
            // Behind its length, so that no name can pass for another one and its content.
            var name = Path.GetRelativePath(folder, path);
            digest.AppendData(Encoding.UTF8.GetBytes($"{name.Length}:{name}"));
            using var file = File.OpenRead(path);
            digest.AppendData(SHA256.HashData(file));
        }

        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }
}
