using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansInference.Benchmarks.Models;

/// <summary>
/// Writes TorchScript archives with weights: a zip of stored entries, of which <c>code/__torch__.py</c> is the module's source,
/// <c>data.pkl</c> its attributes as a pickle (protocol 2), and <c>data/0</c>, <c>data/1</c>, ... their elements. The layout is that of
/// PyTorch's <c>torch.jit.save</c>, format version 3.
/// </summary>
internal static class TorchScriptWriter
{
    private const string Class = "Network";

    /// <param name="path">The archive.</param>
    /// <param name="forward">The method <c>forward</c>, with the indentation of a class's members.</param>
    /// <param name="parameters">The weights, by the attribute's name, FP32.</param>
    public static void Write(string path, string forward, IReadOnlyList<(string Name, long[] Shape, float[] Elements)> parameters)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add("version", "3\n"u8);
        Add("constants.pkl", [0x80, 2, (byte)')', (byte)'.']);
        Add("code/__torch__.py", Encoding.UTF8.GetBytes(Source(forward, parameters.Select(parameter => parameter.Name))));
        Add("data.pkl", Attributes(parameters));
        for (var i = 0; i < parameters.Count; i++) Add($"data/{i}", MemoryMarshal.AsBytes(parameters[i].Elements.AsSpan()));

        void Add(string name, ReadOnlySpan<byte> content)
        {
            using var entry = archive.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
            entry.Write(content);
        }
    }

    private static string Source(string forward, IEnumerable<string> parameters)
    {
        var names = parameters.ToList();
        var source = new StringBuilder($"class {Class}(Module):\n");
        source.Append("  __parameters__ = [").Append(string.Concat(names.Select(name => $"\"{name}\", "))).Append("]\n  __buffers__ = []\n");
        foreach (var name in names) source.Append("  ").Append(name).Append(" : Tensor\n");
        source.Append("  training : bool\n");
        foreach (var line in forward.ReplaceLineEndings("\n").TrimEnd().Split('\n')) source.Append("  ").Append(line).Append('\n');
        return source.ToString();
    }

    private static byte[] Attributes(IReadOnlyList<(string Name, long[] Shape, float[] Elements)> parameters)
    {
        var pickle = new MemoryStream();
        Op([0x80, 2]);
        Global("__torch__", Class);
        // An object made without arguments, and then given its attributes.
        Op([(byte)')', 0x81, (byte)'}', (byte)'(']);
        for (var i = 0; i < parameters.Count; i++)
        {
            Text(parameters[i].Name);
            Tensor(i, parameters[i].Shape);
        }

        Text("training");
        Op([0x89]);
        Op("ub."u8);
        return pickle.ToArray();

        void Tensor(int index, long[] shape)
        {
            Global("torch._utils", "_rebuild_tensor_v2");
            Op("(("u8);
            Text("storage");
            Global("torch", "FloatStorage");
            Text($"{index}");
            Text("cpu");
            Number(shape.Aggregate(1L, (product, dimension) => product * dimension));
            Op("tQ"u8);
            Number(0);
            Numbers(shape);
            Numbers([.. shape.Select((_, place) => shape[(place + 1)..].Aggregate(1L, (product, dimension) => product * dimension))]);
            Op([0x89]);
            Global("collections", "OrderedDict");
            Op(")RtR"u8);
        }

        void Op(ReadOnlySpan<byte> bytes) => pickle.Write(bytes);

        void Global(string module, string name) => Op(Encoding.UTF8.GetBytes($"c{module}\n{name}\n"));

        void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Op("X"u8);
            Integer(bytes.Length);
            Op(bytes);
        }

        void Number(long value)
        {
            Op("J"u8);
            Integer(checked((int)value));
        }

        void Numbers(long[] values)
        {
            Op("("u8);
            foreach (var value in values) Number(value);
            Op("t"u8);
        }

        void Integer(int value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            Op(bytes);
        }
    }
}
