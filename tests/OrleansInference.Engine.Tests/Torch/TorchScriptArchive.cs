using System.IO.Compression;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>
/// Makes TorchScript archives without Python: an archive is an uncompressed zip whose <c>code/__torch__.py</c> is source text, so that
/// another <c>forward</c> can be written into the one of a module without parameters.
/// </summary>
internal static class TorchScriptArchive
{
    /// <summary>The bundled models, beside the tests.</summary>
    public static string BundledModels => Path.Combine(AppContext.BaseDirectory, "models");

    /// <param name="path">Where to write the archive.</param>
    /// <param name="arguments">The arguments of <c>forward</c> after <c>self</c>: <c>INPUT0: Tensor</c>.</param>
    /// <param name="body">Statements, one a line, as libtorch writes them: <c>return torch.neg(INPUT0)</c>.</param>
    /// <param name="returns">The type of what is returned.</param>
    public static void Write(string path, string arguments, string body, string returns = "Tensor")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var template = ZipFile.OpenRead(Path.Combine(BundledModels, "identity", "1", "model.pt"));
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var entry in template.Entries)
        {
            using var target = archive.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
            using var source = entry.Open();
            if (!entry.FullName.EndsWith("code/__torch__.py", StringComparison.Ordinal))
            {
                source.CopyTo(target);
                continue;
            }

            var code = new StreamReader(source).ReadToEnd();
            using var writer = new StreamWriter(target);
            writer.Write(code[..code.IndexOf("  def forward", StringComparison.Ordinal)]);
            writer.Write($"  def forward(self: __torch__.Identity,\n    {arguments}) -> {returns}:\n");
            foreach (var line in body.Split('\n')) writer.Write($"    {line}\n");
        }
    }
}
