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
    /// <summary>Longer JSON is read from the pieces that it came in.</summary>
    private const int MaxCopiedBytes = 1024 * 1024;

    private readonly ModelDescriptor _model;
    private readonly int _maxBytes;
    private readonly List<InferenceTensor> _inputs = new(1);
    private List<OutputCall>? _outputs;
    private readonly bool _mayJump;
    private ReadOnlySpan<byte> _text;
    private bool _hasJumped;
    private ReadOnlySequence<byte> _blobs;
    private long _decoded;
    private RequestParameters _parameters;
    private string? _id;

    private InferJsonReader(ReadOnlySequence<byte> blobs, int maxBytes, ModelDescriptor model, bool mayJump)
    {
        _blobs = blobs;
        _maxBytes = maxBytes;
        _model = model;
        _parameters = new(model.Routing?.StickyParameter);
        _mayJump = mayJump;
    }

    /// <inheritdoc cref="Read(ReadOnlySequence{byte}, ReadOnlySequence{byte}, int, ModelDescriptor, ref string?)"/>
    public static InferCall Read(ReadOnlySequence<byte> json, ReadOnlySequence<byte> blobs, int maxBytes, ModelDescriptor model)
    {
        string? id = null;
        return Read(json, blobs, maxBytes, model, ref id);
    }

    /// <param name="json">The JSON.</param>
    /// <param name="blobs">The binary tensors, in the order of the inputs that announce them.</param>
    /// <param name="maxBytes">The most bytes that all tensors together may have.</param>
    /// <param name="model">The model: what the request repeats of its names need not be allocated again.</param>
    /// <param name="id">Set to the request's id where it has one that can be read, so that it can stand before what is found wrong behind it.</param>
    public static InferCall Read(
        ReadOnlySequence<byte> json, ReadOnlySequence<byte> blobs, int maxBytes, ModelDescriptor model, ref string? id)
    {
        json = BareNumbers.Mark(json);
        if (json.IsSingleSegment || json.Length > MaxCopiedBytes) return Read(json, blobs, maxBytes, model, ref id, mayJump: true);
        var copy = ArrayPool<byte>.Shared.Rent((int)json.Length);
        try
        {
            json.CopyTo(copy);
            return Read(new(copy, 0, (int)json.Length), blobs, maxBytes, model, ref id, mayJump: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private static InferCall Read(
        ReadOnlySequence<byte> json, ReadOnlySequence<byte> blobs, int maxBytes, ModelDescriptor model, ref string? id, bool mayJump)
    {
        var request = new InferJsonReader(blobs, maxBytes, model, mayJump && json.IsSingleSegment) { _text = json.FirstSpan };
        var reader = Open(json);
        try
        {
            request.ReadRequest(ref reader);
        }
        catch (JsonException) when (request._hasJumped)
        {
            // A reader that has jumped does not know where it is: one that has not tells the place.
            return Read(json, blobs, maxBytes, model, ref id, mayJump: false);
        }
        catch (Exception exception) when (ToRefusal(exception) is { } refusal)
        {
            throw refusal;
        }
        finally
        {
            id = request._id ?? id;
        }

        if (!request._blobs.IsEmpty)
            throw Invalid($"unexpected additional input data for model '{model.Id.Name}': {request._blobs.Length} bytes are left over");
        return new(request._id, request._inputs, request._outputs ?? [], request._parameters);
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
                _outputs ??= [];
                while (NextItem(ref reader, "outputs", _outputs.Count)) _outputs.Add(ReadOutput(ref reader));
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
        string? name = null, unknownType = null;
        DataType? datatype = null;
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
                name = ReadName(ref reader, _model.Inputs);
            }
            else if (reader.ValueTextEquals("datatype"u8))
            {
                datatype = ReadDataType(ref reader, out unknownType);
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
                if (name is not null && shape is not null && datatype is { } known && TensorShape.TryGetElementCount(shape, out var size))
                    elements = TryJump(ref reader, known, size) ?? ReadData(ref reader, name, known, shape, size);
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
        if (unknownType is not null)
            throw Invalid($"invalid datatype '{unknownType}' of input '{name}': expected one of {string.Join(", ", DataTypes.AllNames)}");
        if (datatype is not { } type) throw Invalid($"Unable to parse 'datatype' of input '{name}': it is missing");
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

    private byte[]? TryJump(ref Utf8JsonReader reader, DataType type, long count)
    {
        if (!_mayJump || type != DataType.Float32 || count > (_maxBytes - _decoded) / sizeof(float)) return null;
        if (!FlatNumbers.TryRead(ref reader, ref _text, count, out var elements)) return null;
        _hasJumped = true;
        return elements;
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
            throw Invalid($"unexpected size for input '{name}', expecting {size - _blobs.Length} additional bytes for model '{_model.Id.Name}'");
        if (size > _maxBytes - _decoded) throw RequestLimits.TooLarge(name, shape, _maxBytes);
        _decoded += size;
        var blob = GC.AllocateUninitializedArray<byte>((int)size);
        _blobs.Slice(0, size).CopyTo(blob);
        _blobs = _blobs.Slice(size);
        return blob;
    }

    private readonly OutputCall ReadOutput(ref Utf8JsonReader reader)
    {
        string? name = null;
        bool? binary = null;
        var classes = 0;
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadName(ref reader, _model.Outputs);
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

        return new(name ?? throw Invalid("Unable to parse 'outputs': an output has no 'name'"), binary, classes);
    }

    /// <summary>A tensor's name: the model's own string where it is one of its.</summary>
    private static string ReadName(ref Utf8JsonReader reader, IReadOnlyList<TensorSignature> known)
    {
        var value = reader;
        value.Read();
        for (var i = 0; value.TokenType == JsonTokenType.String && i < known.Count; i++)
        {
            if (!value.ValueTextEquals(known[i].Name)) continue;
            reader = value;
            return known[i].Name;
        }

        return ReadString(ref reader, "name");
    }

    private static DataType? ReadDataType(ref Utf8JsonReader reader, out string? unknown)
    {
        unknown = null;
        var value = reader;
        value.Read();
        for (var i = 0; value.TokenType == JsonTokenType.String && i < DataTypes.AllNames.Count; i++)
        {
            if (!value.ValueTextEquals(DataTypes.AllNames[i])) continue;
            reader = value;
            return (DataType)i;
        }

        unknown = ReadString(ref reader, "datatype");
        return null;
    }

    private static long[] ReadShape(ref Utf8JsonReader reader, string? input)
    {
        ReadArray(ref reader, "shape");
        Span<long> shape = stackalloc long[RequestLimits.MaxRank];
        var rank = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var dimension) || dimension < 0)
                throw Invalid($"Unable to parse 'shape' of input '{input}': dimension {rank} is not an integer of 0 or more");
            if (rank == RequestLimits.MaxRank) throw Invalid($"Unable to parse 'shape' of input '{input}': it has more than {RequestLimits.MaxRank} dimensions");
            shape[rank++] = dimension;
        }

        return shape[..rank].ToArray();
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
