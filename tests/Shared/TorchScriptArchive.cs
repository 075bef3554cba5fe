using System.IO.Compression;
using System.Text;

namespace OrleansInference.Tests.Shared;

/// <summary>
/// Writes TorchScript archives of a given source text, without Python: an archive is a zip of uncompressed entries, one of which is the
/// source of its classes. The rest is that of the bundled model <c>identity</c>, a module without weights.
/// </summary>
internal static class TorchScriptArchive
{
    private const string SourceEntry = "/code/__torch__.py";

    /// <summary>The bundled models, which the build puts beside the tests.</summary>
    public static string BundledModels { get; } = Path.Combine(AppContext.BaseDirectory, "models");

    /// <param name="path">The archive to write; its folder is made where it is missing.</param>
    /// <param name="forwardSource"><c>def forward(self, INPUT0: Tensor) -> Tensor:</c> and its body, in TorchScript.</param>
    public static void Write(string path, string forwardSource)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // A file that is there may be mapped by whoever has loaded it, and must not change under them.
        File.Delete(path);
        using var template = ZipFile.OpenRead(Path.Combine(BundledModels, "identity", "1", "model.pt"));
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var entry in template.Entries)
        {
            using var source = entry.Open();
            using var target = archive.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
            if (entry.FullName.EndsWith(SourceEntry, StringComparison.Ordinal)) target.Write(ReplaceForward(source, forwardSource));
            else source.CopyTo(target);
        }
    }

    private static byte[] ReplaceForward(Stream source, string forwardSource)
    {
        const string Indent = "  ";
        var text = new StreamReader(source).ReadToEnd();
        var head = text[..text.IndexOf($"{Indent}def forward", StringComparison.Ordinal)];
        var method = forwardSource.ReplaceLineEndings("\n").Trim().Split('\n').Select(line => Indent + line + "\n");
        return Encoding.UTF8.GetBytes(head + string.Concat(method));
    }
}
