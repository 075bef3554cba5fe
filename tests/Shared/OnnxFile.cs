using System.Runtime.InteropServices;
using System.Text;

namespace OrleansInference.Tests.Shared;

/// <summary>Writes small ONNX models without Python. The numbers are those of the fields of <c>onnx.proto</c>.</summary>
internal static class OnnxFile
{
    public const int Float = 1, UInt8 = 2, Int8 = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Int64 = 7, Text = 8, Bool = 9, Float16 = 10, Double = 11,
        UInt32 = 12, UInt64 = 13, Complex64 = 14, BFloat16 = 16;

    /// <summary>An operator set that the runtime knows.</summary>
    public const int Opset = 17;

    /// <summary>A model whose output <c>y</c> is its input <c>x</c>.</summary>
    public static void WriteIdentity(string path, int type, long[]? shape) =>
        Write(path, [new("x", type, shape)], [new("y", type, shape)], [new("Identity", ["x"], ["y"])]);

    /// <param name="path">The file to write; its folder is made where it is missing.</param>
    /// <param name="inputs">The graph's inputs.</param>
    /// <param name="outputs">The graph's outputs.</param>
    /// <param name="nodes">Its operators, each behind those whose outputs it takes.</param>
    /// <param name="weights">Its initializers.</param>
    /// <param name="opset">The version of the operators.</param>
    public static void Write(
        string path, OnnxValue[] inputs, OnnxValue[] outputs, OnnxNode[] nodes, OnnxWeight[]? weights = null, int opset = Opset)
    {
        var graph = new Fields().Text(2, "graph");
        foreach (var node in nodes) graph.Message(1, Node(node));
        foreach (var weight in weights ?? []) graph.Message(5, Weight(weight));
        foreach (var input in inputs) graph.Message(11, Value(input));
        foreach (var output in outputs) graph.Message(12, Value(output));
        var model = new Fields().Number(1, 8).Message(7, graph).Message(8, new Fields().Text(1, "").Number(2, opset));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // A file that is there may be mapped by whoever has loaded it, and must not change under them.
        File.Delete(path);
        File.WriteAllBytes(path, model.Bytes);
    }

    private static Fields Node(OnnxNode node)
    {
        var message = new Fields();
        foreach (var input in node.Inputs) message.Text(1, input);
        foreach (var output in node.Outputs) message.Text(2, output);
        message.Text(4, node.Operator);
        foreach (var (name, value) in node.Attributes ?? []) message.Message(5, new Fields().Text(1, name).Number(3, value).Number(20, 2));
        return message;
    }

    private static Fields Weight(OnnxWeight weight)
    {
        var message = new Fields();
        foreach (var dimension in weight.Shape) message.Number(1, dimension);
        message.Number(2, Float).Text(8, weight.Name);
        return weight.Location is { } location
            ? message.Message(13, new Fields().Text(1, "location").Text(2, location)).Number(14, 1)
            : message.Data(9, MemoryMarshal.AsBytes(weight.Elements.AsSpan()));
    }

    private static Fields Value(OnnxValue value)
    {
        var tensor = new Fields().Number(1, value.Type);
        if (value.Shape is { } sizes)
        {
            var shape = new Fields();
            for (var i = 0; i < sizes.Length; i++)
                shape.Message(1, sizes[i] < 0 ? new Fields().Text(2, $"{value.Name}_{i}") : new Fields().Number(1, sizes[i]));
            tensor.Message(2, shape);
        }

        return new Fields().Text(1, value.Name).Message(2, new Fields().Message(value.IsSequence ? 4 : 1, value.IsSequence ? new() : tensor));
    }

    private sealed class Fields
    {
        private readonly MemoryStream _bytes = new();

        public byte[] Bytes => _bytes.ToArray();

        public Fields Number(int field, long value)
        {
            Varint((uint)field << 3);
            Varint((ulong)value);
            return this;
        }

        public Fields Data(int field, ReadOnlySpan<byte> data)
        {
            Varint(((uint)field << 3) | 2);
            Varint((ulong)data.Length);
            _bytes.Write(data);
            return this;
        }

        public Fields Text(int field, string text) => Data(field, Encoding.UTF8.GetBytes(text));

        public Fields Message(int field, Fields message) => Data(field, message.Bytes);

        private void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _bytes.WriteByte((byte)(value | 0x80));
            _bytes.WriteByte((byte)value);
        }
    }
}

/// <summary>An input or output of a graph; -1 is an open dimension, and no shape is any.</summary>
internal sealed record OnnxValue(string Name, int Type, long[]? Shape, bool IsSequence = false);

/// <summary>An operator with integer attributes.</summary>
internal sealed record OnnxNode(string Operator, string[] Inputs, string[] Outputs, (string Name, long Value)[]? Attributes = null);

/// <summary>An FP32 constant, or one whose elements lie in a file beside the model's.</summary>
internal sealed record OnnxWeight(string Name, long[] Shape, float[] Elements, string? Location = null);
