using System.Buffers;
using System.Text.Json;

using OrleansInference.Tensors;

using static OrleansInference.AspNetCore.Protocol.JsonFields;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Reads the body of Triton's generate extension: one JSON object whose members are the model's inputs by name, and whose other members
/// are parameters. The shape of an input follows from its value.
/// </summary>
internal ref struct GenerateReader
{
    private readonly ModelDescriptor _model;
    private readonly int _maxBytes;
    private readonly Action<string> _named;
    private readonly List<InferenceTensor> _inputs = [];
    private RequestParameters _parameters;
    private string? _id;
    private long _decoded;

    private GenerateReader(ModelDescriptor model, int maxBytes, Action<string> named)
    {
        _model = model;
        _parameters = new(model.Routing?.StickyParameter);
        _maxBytes = maxBytes;
        _named = named;
    }

    /// <param name="json">The body.</param>
    /// <param name="model">The model, whose inputs are looked for.</param>
    /// <param name="maxBytes">The most bytes that all tensors together may have.</param>
    /// <param name="named">Told the request's id as soon as it is read, so that it can stand before what is found wrong behind it.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/> or <see cref="InferenceError.TooLarge"/>, with what is wrong.
    /// </exception>
    public static InferCall Read(ReadOnlySequence<byte> json, ModelDescriptor model, int maxBytes, Action<string> named)
    {
        var request = new GenerateReader(model, maxBytes, named);
        var reader = Open(BareNumbers.Mark(json));
        try
        {
            request.ReadRequest(ref reader);
        }
        catch (Exception exception) when (ToRefusal(exception) is { } refusal)
        {
            throw refusal;
        }

        return new(request._id, request._inputs, [], request._parameters);
    }

    private void ReadRequest(ref Utf8JsonReader reader)
    {
        ReadStart(ref reader);
        while (NextMember(ref reader))
        {
            var name = reader.GetString()!;
            if (_model.Inputs.FirstOrDefault(input => input.Name == name) is { } input) ReadInput(ref reader, input);
            else if (name == "id") _named(_id = ReadString(ref reader, name));
            else if (name == "parameters") _parameters.ReadAll(ref reader);
            else ReadParameter(ref reader, name);
        }

        ReadEnd(ref reader);
    }

    private void ReadParameter(ref Utf8JsonReader reader, string name)
    {
        var value = reader;
        value.Read();
        // A list can only have been meant for an input.
        if (value.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
            throw Invalid($"unexpected inference input '{name}' for model '{_model.Id.Name}'");
        _parameters.Read(ref reader);
    }

    private void ReadInput(ref Utf8JsonReader reader, TensorSignature input)
    {
        if (_inputs.Exists(other => other.Name == input.Name)) throw Invalid($"input '{input.Name}' already exists in request");
        var shape = FitShape(input, MeasureShape(reader, input.Name));
        TensorShape.TryGetElementCount(shape, out var count);
        if (!TensorJson.TryRead(ref reader, input.Name, input.DataType, shape, count, _maxBytes - _decoded, out var bytes))
            throw RequestLimits.TooLarge(input.Name, shape, _maxBytes);
        _decoded += bytes.Length;
        _inputs.Add(new(input.Name, input.DataType, shape, bytes));
    }

    /// <summary>The lengths of the nested arrays; empty for an element by itself.</summary>
    /// <param name="reader">A copy, which stands on the property's name.</param>
    /// <param name="name">The input, for messages.</param>
    private static List<long> MeasureShape(Utf8JsonReader reader, string name)
    {
        var shape = new List<long>();
        var counts = new List<long>();
        var elementDepth = -1;
        var depth = 0;
        do
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.EndArray)
            {
                depth--;
                if (shape[depth] < 0) shape[depth] = counts[depth];
                if (shape[depth] != counts[depth]) throw Ragged(name);
                continue;
            }

            if (depth > 0) counts[depth - 1]++;
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                if (depth == elementDepth) throw Ragged(name);
                depth++;
                if (depth > RequestLimits.MaxRank) throw Invalid($"Unable to parse '{name}': it has more than {RequestLimits.MaxRank} dimensions");
                if (depth > shape.Count)
                {
                    shape.Add(-1);
                    counts.Add(0);
                }

                counts[depth - 1] = 0;
            }
            else
            {
                if (elementDepth < 0) elementDepth = depth;
                if (depth != elementDepth || depth < shape.Count) throw Ragged(name);
            }
        }
        while (depth > 0);

        return shape;
    }

    /// <summary>
    /// The tensor's shape: that of the value, or the same as the one row of a batch, or the value's elements laid out as the model
    /// expects them.
    /// </summary>
    private readonly long[] FitShape(TensorSignature input, List<long> measured)
    {
        long[] given = measured.Count == 0 ? [1] : [.. measured];
        var batches = _model.MaxBatchSize > 0;
        if (input.AnyRank || (measured.Count > 0 && TensorShape.Matches(input.Shape, given))) return given;
        if (batches && measured.Count > 0 && TensorShape.Matches(input.Shape.AsSpan(1), given)) return [1, .. given];

        var shape = input.Shape.ToArray();
        if (batches) shape[0] = 1;
        var open = Array.IndexOf(shape, -1);
        TensorShape.TryGetElementCount(given, out var count);
        if (open >= 0)
        {
            shape[open] = 1;
            if (TensorShape.TryGetElementCount(shape, out var others) && others > 0) shape[open] = count / others;
        }

        if (TensorShape.TryGetElementCount(shape, out var expected) && expected == count) return shape;
        throw Invalid(
            $"unexpected shape for input '{input.Name}' for model '{_model.Id.Name}'. " +
            $"Expected {TensorShape.Format(input.Shape)}, got {TensorShape.Format(given)}");
    }

    private static InferenceException Ragged(string name) =>
        Invalid($"Unable to parse '{name}': its nested arrays differ in length or depth");

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
