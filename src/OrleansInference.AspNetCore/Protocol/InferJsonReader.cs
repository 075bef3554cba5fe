using System.Buffers;
using System.Text.Json;

using OrleansInference.Tensors;

using static OrleansInference.AspNetCore.Protocol.JsonFields;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Reads the protocol's JSON and the binary tensors behind it in one pass, without a document in between. Where an input's <c>data</c>
/// stands before its shape or datatype, its place is kept and its numbers are read at the end of the input.
/// </summary>
internal ref struct InferJsonReader
{
    private readonly string _model;
    private readonly int _maxBytes;
    private readonly Action<string>? _named;
    private readonly List<InferenceTensor> _inputs = [];
    private readonly List<OutputCall> _outputs = [];
    private ReadOnlySequence<byte> _blobs;
    private long _decoded;
    private RequestParameters _parameters;
    private string? _id;

    private InferJsonReader(ReadOnlySequence<byte> blobs, int maxBytes, string model, Action<string>? named)
    {
        _blobs = blobs;
        _maxBytes = maxBytes;
        _model = model;
        _named = named;
    }

    /// <param name="json">The JSON.</param>
    /// <param name="blobs">The binary tensors, in the order of the inputs that announce them.</param>
    /// <param name="maxBytes">The most bytes that all tensors together may have.</param>
    /// <param name="model">The model's name, for messages.</param>
    /// <param name="named">Told the request's id as soon as it is read, so that it can stand before what is found wrong behind it.</param>
    public static InferCall Read(
        ReadOnlySequence<byte> json, ReadOnlySequence<byte> blobs, int maxBytes, string model, Action<string>? named = null)
    {
        var request = new InferJsonReader(blobs, maxBytes, model, named);
        var reader = Open(json);
        try
        {
            request.ReadRequest(ref reader);
        }
        catch (Exception exception) when (ToRefusal(exception) is { } refusal)
        {
            throw refusal;
        }

        if (!request._blobs.IsEmpty)
            throw Invalid($"unexpected additional input data for model '{model}': {request._blobs.Length} bytes are left over");
        return new(request._id, request._inputs, request._outputs, request._parameters);
    }

    private void ReadRequest(ref Utf8JsonReader reader)
    {
        ReadStart(ref reader);
        var hasInputs = false;
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
            {
                _id = ReadString(ref reader, "id");
                _named?.Invoke(_id);
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                _parameters.ReadAll(ref reader);
            }
            else if (reader.ValueTextEquals("inputs"u8))
            {
                hasInputs = true;
                ReadArray(ref reader, "inputs");
                while (NextItem(ref reader, "inputs", _inputs.Count)) ReadInput(ref reader);
            }
            else if (reader.ValueTextEquals("outputs"u8))
            {
                ReadArray(ref reader, "outputs");
                while (NextItem(ref reader, "outputs", _outputs.Count)) ReadOutput(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        ReadEnd(ref reader);
        if (!hasInputs) throw Invalid("Unable to parse 'inputs': it is missing");
    }

    private void ReadInput(ref Utf8JsonReader reader)
    {
        string? name = null, datatype = null;
        long[]? shape = null;
        long? binarySize = null;
        var hasData = false;
        var sharedMemory = false;
        Utf8JsonReader data = default;
        byte[]? elements = null;
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadString(ref reader, "name");
            }
            else if (reader.ValueTextEquals("datatype"u8))
            {
                datatype = ReadString(ref reader, "datatype");
                elements = null;
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                shape = ReadShape(ref reader, name);
                elements = null;
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                hasData = true;
                data = reader;
                // Clients write the data last: what is known by then need not be read twice.
                if (name is not null && shape is not null && DataTypes.TryParse(datatype, out var known) && TensorShape.TryGetElementCount(shape, out var size))
                    elements = ReadData(ref reader, name, known, shape, size);
                else
                    reader.Skip();
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                ReadObject(ref reader, "parameters");
                while (NextMember(ref reader))
                {
                    if (reader.ValueTextEquals("binary_data_size"u8))
                    {
                        binarySize = ReadInteger(ref reader, "binary_data_size", 0, long.MaxValue);
                    }
                    else
                    {
                        sharedMemory |= reader.ValueTextEquals("shared_memory_region"u8);
                        reader.Skip();
                    }
                }
            }
            else
            {
                reader.Skip();
            }
        }

        if (name is null) throw Invalid("Unable to parse 'inputs': an input has no 'name'");
        if (shape is null) throw Invalid($"Unable to parse 'shape' of input '{name}': it is missing");
        if (datatype is null) throw Invalid($"Unable to parse 'datatype' of input '{name}': it is missing");
        if (!DataTypes.TryParse(datatype, out var type))
            throw Invalid($"invalid datatype '{datatype}' of input '{name}': expected one of {string.Join(", ", DataTypes.AllNames)}");
        if (sharedMemory) throw Invalid($"input '{name}': shared memory is not supported");
        if (hasData == binarySize.HasValue)
            throw Invalid($"Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters'; input '{name}' has {(hasData ? "both" : "none")}");
        if (!TensorShape.TryGetElementCount(shape, out var count))
            throw Invalid($"shape {TensorShape.Format(shape)} of input '{name}' has more elements than can be counted");

        if (binarySize is { } blobSize)
        {
            _inputs.Add(new(name, type, shape, TakeBlob(name, shape, blobSize)));
            return;
        }

        elements ??= ReadData(ref data, name, type, shape, count);
        _decoded += elements.Length;
        _inputs.Add(new(name, type, shape, elements));
    }

    private readonly byte[] ReadData(ref Utf8JsonReader data, string name, DataType type, long[] shape, long count)
    {
        var value = data;
        value.Read();
        if (value.TokenType != JsonTokenType.StartArray) throw Invalid($"Unable to parse 'data' of input '{name}': it is not an array");
        return TensorJson.TryRead(ref data, name, type, shape, count, _maxBytes - _decoded, out var bytes)
            ? bytes
            : throw RequestLimits.TooLarge(name, shape, _maxBytes);
    }

    private byte[] TakeBlob(string name, long[] shape, long size)
    {
        if (size > _blobs.Length)
            throw Invalid($"unexpected size for input '{name}', expecting {size - _blobs.Length} additional bytes for model '{_model}'");
        if (size > _maxBytes - _decoded) throw RequestLimits.TooLarge(name, shape, _maxBytes);
        _decoded += size;
        var blob = _blobs.Slice(0, size).ToArray();
        _blobs = _blobs.Slice(size);
        return blob;
    }

    private void ReadOutput(ref Utf8JsonReader reader)
    {
        string? name = null;
        bool? binary = null;
        var classes = 0;
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadString(ref reader, "name");
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                ReadObject(ref reader, "parameters");
                while (NextMember(ref reader))
                {
                    if (reader.ValueTextEquals("binary_data"u8)) binary = ReadBoolean(ref reader, "binary_data");
                    else if (reader.ValueTextEquals("classification"u8)) classes = (int)ReadInteger(ref reader, "classification", 1, int.MaxValue);
                    else if (reader.ValueTextEquals("shared_memory_region"u8)) throw Invalid("outputs: shared memory is not supported");
                    else reader.Skip();
                }
            }
            else
            {
                reader.Skip();
            }
        }

        _outputs.Add(new(name ?? throw Invalid("Unable to parse 'outputs': an output has no 'name'"), binary, classes));
    }

    private static long[] ReadShape(ref Utf8JsonReader reader, string? input)
    {
        ReadArray(ref reader, "shape");
        var shape = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var dimension) || dimension < 0)
                throw Invalid($"Unable to parse 'shape' of input '{input}': dimension {shape.Count} is not an integer of 0 or more");
            if (shape.Count == RequestLimits.MaxRank) throw Invalid($"Unable to parse 'shape' of input '{input}': it has more than {RequestLimits.MaxRank} dimensions");
            shape.Add(dimension);
        }

        return [.. shape];
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
