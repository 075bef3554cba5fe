using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace OrleansInference.Tests.Shared;

/// <summary>
/// Writes TorchScript archives of a given source text, without Python: an archive is a zip of uncompressed entries, one of which is the
/// source of its classes. The rest is that of the bundled model <c>identity</c>, a module without weights.
/// </summary>
internal static class TorchScriptArchive
{
    private const string SourceEntry = "/code/__torch__.py", AttributesEntry = "/data.pkl";

    /// <summary>The bundled models, which the build puts beside the tests.</summary>
    public static string BundledModels { get; } = Path.Combine(AppContext.BaseDirectory, "models");

    /// <param name="path">The archive to write; its folder is made where it is missing.</param>
    /// <param name="forwardSource"><c>def forward(self, INPUT0: Tensor) -> Tensor:</c> and its body, in TorchScript.</param>
    /// <param name="counters">Attributes of the type <c>int</c> that the module has, all of them 0.</param>
    /// <param name="more">Other files of the archive, by their path below its root.</param>
    public static void Write(
        string path, string forwardSource, IReadOnlyList<string>? counters = null, IReadOnlyDictionary<string, string>? more = null)
    {
        counters ??= [];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // A file that is there may be mapped by whoever has loaded it, and must not change under them.
        File.Delete(path);
        using var template = ZipFile.OpenRead(Path.Combine(BundledModels, "identity", "1", "model.pt"));
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var entry in template.Entries)
        {
            using var source = entry.Open();
            using var target = archive.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
            if (entry.FullName.EndsWith(SourceEntry, StringComparison.Ordinal)) target.Write(ReplaceForward(source, forwardSource, counters));
            else if (entry.FullName.EndsWith(AttributesEntry, StringComparison.Ordinal)) target.Write(AddCounters(source, counters));
            else source.CopyTo(target);
        }

        foreach (var (name, content) in more ?? new Dictionary<string, string>())
        {
            using var target = archive.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
            target.Write(Encoding.UTF8.GetBytes(content));
        }
    }

    private static byte[] ReplaceForward(Stream source, string forwardSource, IReadOnlyList<string> counters)
    {
        const string Indent = "  ";
        var text = new StreamReader(source).ReadToEnd();
        var head = text[..text.IndexOf($"{Indent}def forward", StringComparison.Ordinal)];
        var attributes = counters.Select(counter => $"{Indent}{counter} : int\n");
        var method = forwardSource.ReplaceLineEndings("\n").Trim().Split('\n').Select(line => Indent + line + "\n");
        return Encoding.UTF8.GetBytes(head + string.Concat(attributes.Concat(method)));
    }

    /// <summary>Puts a text and the number 0 for each before the opcodes with which the pickle ends its object.</summary>
    private static byte[] AddCounters(Stream attributes, IReadOnlyList<string> counters)
    {
        var pickle = new MemoryStream();
        attributes.CopyTo(pickle);
        var end = pickle.GetBuffer().AsSpan(0, (int)pickle.Length).LastIndexOf("ub"u8);
        var tail = pickle.ToArray()[end..];
        pickle.SetLength(end);
        pickle.Position = end;
        foreach (var counter in counters)
        {
            var name = Encoding.UTF8.GetBytes(counter);
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, name.Length);
            pickle.Write([(byte)'X', .. length, .. name, (byte)'K', 0]);
        }

        pickle.Write(tail);
        return pickle.ToArray();
    }
}
