using System.Globalization;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Onnx;

/// <summary>
/// The inputs and outputs that an ONNX file declares. They are read without the runtime, whose native library is not to see a file that
/// nobody has verified. The numbers are those of the fields of <c>onnx.proto</c>.
/// </summary>
internal sealed class OnnxSignature
{
    /// <summary>Files of older exporters list all weights as inputs too.</summary>
    private const int MaxTensors = 65_536;
    private const int MaxNameBytes = 4096;
    private const int MaxDimensions = 64;

    private readonly ProtobufFields _fields;
    private readonly List<OnnxTensor> _inputs = [];
    private readonly List<OnnxTensor> _outputs = [];
    private readonly HashSet<string> _weights = [];

    private OnnxSignature(FileStream file)
    {
        _fields = new(file);
        var hasGraph = false;
        _fields.Visit(file.Length, (field, end) =>
        {
            const int Graph = 7;
            if (field != Graph) return;
            hasGraph = true;
            ReadGraph(end);
        });
        if (!hasGraph) throw new InvalidDataException("it has no graph");
        if (_outputs.Count == 0) throw new InvalidDataException("its graph has no output");
        _inputs.RemoveAll(input => _weights.Contains(input.Name));
    }

    /// <summary>What must be sent, in the file's order: weights, which older files list among the inputs, are none.</summary>
    public IReadOnlyList<OnnxTensor> Inputs => _inputs;

    /// <summary>What can be had, in the file's order.</summary>
    public IReadOnlyList<OnnxTensor> Outputs => _outputs;

    /// <summary>Whether the first dimension of all inputs and outputs is open.</summary>
    public bool Batches => _inputs.Count > 0 && _inputs.Concat(_outputs).All(tensor => tensor.Shape is [-1, ..]);

    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the file cannot be read, or is none of ONNX.</exception>
    public static OnnxSignature Read(string path)
    {
        var name = $"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}";
        try
        {
            using var file = File.OpenRead(path);
            CheckBeginning(file);
            return new(file);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InferenceException(InferenceError.NotReady, $"the file {name} is missing", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new InferenceException(InferenceError.NotReady, $"{name} is no ONNX model: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InferenceException(InferenceError.NotReady, $"{name} cannot be read: {exception.Message}", exception);
        }
    }

    private static void CheckBeginning(FileStream file)
    {
        if (file.Length == 0) throw new InvalidDataException("the file is empty");
        Span<byte> beginning = stackalloc byte[4];
        var read = file.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false);
        if (beginning[..read].SequenceEqual("PK\u0003\u0004"u8)) throw new InvalidDataException("it is a zip archive, as models of TorchScript are");
        file.Position = 0;
    }

    private void ReadGraph(long end)
    {
        const int Initializer = 5, Input = 11, Output = 12;
        var start = _fields.Position;
        _fields.Visit(end, (field, next) =>
        {
            if (field is not (Input or Output)) return;
            if (_inputs.Count + _outputs.Count == MaxTensors) throw new InvalidDataException($"it has more than {MaxTensors} inputs and outputs");
            (field == Input ? _inputs : _outputs).Add(ReadTensor(next));
        });

        // Weights stand before the inputs. Those that are none of the inputs need not be remembered, however many there are.
        var names = _inputs.Select(input => input.Name).ToHashSet();
        _fields.Position = start;
        _fields.Visit(end, (field, next) =>
        {
            if (field == Initializer && ReadWeightName(next) is { } name && names.Contains(name)) _weights.Add(name);
        });
    }

    private string? ReadWeightName(long end)
    {
        const int Name = 8;
        string? name = null;
        _fields.Visit(end, (field, next) =>
        {
            if (field == Name) name = _fields.ReadText(next, MaxNameBytes);
        });
        return name;
    }

    private OnnxTensor ReadTensor(long end)
    {
        const int Name = 1, Type = 2;
        var tensor = new OnnxTensor("", null, "nothing", null);
        _fields.Visit(end, (field, next) =>
        {
            if (field == Name) tensor = tensor with { Name = _fields.ReadText(next, MaxNameBytes) };
            else if (field == Type) tensor = ReadType(tensor, next);
        });
        return tensor;
    }

    private OnnxTensor ReadType(OnnxTensor tensor, long end)
    {
        const int Tensor = 1, Sequence = 4, Map = 5, Sparse = 8, Optional = 9;
        _fields.Visit(end, (field, next) =>
        {
            tensor = field switch
            {
                Tensor => ReadTensorType(tensor, next),
                Sequence => tensor with { TypeName = "a sequence" },
                Map => tensor with { TypeName = "a map" },
                Sparse => tensor with { TypeName = "a sparse tensor" },
                Optional => tensor with { TypeName = "an optional value" },
                _ => tensor,
            };
        });
        return tensor;
    }

    private OnnxTensor ReadTensorType(OnnxTensor tensor, long end)
    {
        const int ElementType = 1, Shape = 2;
        _fields.Visit(
            end,
            (field, next) => tensor = field == Shape ? tensor with { Shape = ReadShape(next) } : tensor,
            (field, value) =>
            {
                if (field != ElementType) return;
                var type = OnnxTypes.FromOnnx(value);
                var name = type?.ToProtocolName() ?? string.Create(CultureInfo.InvariantCulture, $"ONNX's datatype {value}");
                tensor = tensor with { DataType = type, TypeName = name };
            });
        return tensor;
    }

    private long[] ReadShape(long end)
    {
        const int Dimension = 1, Size = 1;
        var shape = new List<long>();
        _fields.Visit(end, (field, next) =>
        {
            if (field != Dimension) return;
            if (shape.Count == MaxDimensions) throw new InvalidDataException($"a tensor has more than {MaxDimensions} dimensions");
            // A dimension without a size has a name, or nothing; some exporters write 0 or -1 instead.
            var dimension = -1L;
            _fields.Visit(next, (_, _) => { }, (part, value) => dimension = part == Size && value > 0 ? value : dimension);
            shape.Add(dimension);
        });
        return [.. shape];
    }
}
