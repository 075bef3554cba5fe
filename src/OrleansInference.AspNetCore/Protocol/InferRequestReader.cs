using System.Buffers;
using System.Globalization;

using Microsoft.AspNetCore.Http;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Reads an inference request in any of its three forms; each tensor is one copy of its bytes.</summary>
internal static class InferRequestReader
{
    /// <summary>The length of the JSON before the binary tensors.</summary>
    public const string HeaderLength = "Inference-Header-Content-Length";

    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/> or <see cref="InferenceError.TooLarge"/>, with what is wrong.
    /// </exception>
    public static async ValueTask<InferCall> ReadAsync(HttpContext context, ModelDescriptor model, RequestMemory memory, int maxBytes)
    {
        var request = context.Request;
        using var body = await RequestBody.ReadAsync(request, memory);
        string? id = null;
        try
        {
            var call = Parse(request, model, maxBytes, body.Bytes, ref id);
            call.CheckOutputs(model);
            return call;
        }
        catch (ArgumentException exception)
        {
            // Tensors check themselves: bytes that do not fit the shape end here.
            throw RequestLimits.Misfit(exception);
        }
        finally
        {
            if (id is not null) RequestId.Keep(context, id);
        }
    }

    /// <summary>Reads one of many requests in a body, which are JSON, and so are their answers.</summary>
    /// <param name="json">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxBytes">The most bytes that all tensors together may have.</param>
    /// <param name="id">The request's id, also where the request is wrong.</param>
    /// <inheritdoc cref="ReadAsync"/>
    public static InferCall ReadOne(ReadOnlySequence<byte> json, ModelDescriptor model, int maxBytes, ref string? id)
    {
        try
        {
            var call = InferJsonReader.Read(json, ReadOnlySequence<byte>.Empty, maxBytes, model, ref id);
            call.CheckOutputs(model);
            if (call.Parameters.BinaryOutputs || call.Outputs.Any(output => output.Binary == true))
                throw Invalid($"outputs cannot be binary: many requests to model '{model.Id.Name}' are answered in lines of JSON");
            return call;
        }
        catch (ArgumentException exception)
        {
            throw RequestLimits.Misfit(exception);
        }
    }

    private static InferCall Parse(HttpRequest request, ModelDescriptor model, int maxBytes, ReadOnlySequence<byte> body, ref string? id)
    {
        if (request.ContentType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true)
        {
            if (model.Inputs is not [{ DataType: DataType.Bytes }])
                throw Invalid($"Content-Type is '{request.ContentType}', but model '{model.Id.Name}' does not take a picture as its one input");
            return new(null, [ReadRaw(model, body)], [], default);
        }

        var header = request.Headers[HeaderLength].ToString();
        if (header.Length == 0) return InferJsonReader.Read(body, ReadOnlySequence<byte>.Empty, maxBytes, model, ref id);
        if (!long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > body.Length)
            throw Invalid($"{HeaderLength} is '{header}', but the body has {body.Length} bytes");
        return length == 0
            ? new(null, [ReadRaw(model, body)], [], new() { BinaryOutputs = true })
            : InferJsonReader.Read(body.Slice(0, length), body.Slice(length), maxBytes, model, ref id);
    }

    /// <summary>A body that is nothing but the elements of the model's one input: one row, with at most one open dimension.</summary>
    private static InferenceTensor ReadRaw(ModelDescriptor model, ReadOnlySequence<byte> body)
    {
        if (model.Inputs is not [var input])
            throw Invalid($"a raw request has one input, but model '{model.Id.Name}' expects {model.Inputs.Count}");
        var shape = input.Shape.ToArray();
        if (model.MaxBatchSize > 0) shape[0] = 1;
        if (input.DataType == DataType.Bytes)
        {
            if (shape.Any(dimension => dimension is not (1 or -1)))
                throw Invalid($"a raw request has one element, but input '{input.Name}' has shape {TensorShape.Format(input.Shape)}");
            return InferenceTensor.FromBytes(input.Name, [body.ToArray()], [.. shape.Select(_ => 1L)]);
        }

        var open = Array.IndexOf(shape, -1);
        if (open != Array.LastIndexOf(shape, -1))
            throw Invalid($"a raw request admits one open dimension, but input '{input.Name}' has shape {TensorShape.Format(input.Shape)}");
        if (open >= 0)
        {
            shape[open] = 1;
            TensorShape.TryGetElementCount(shape, out var rest);
            var size = rest * input.DataType.ElementSize();
            if (body.Length % size != 0)
                throw Invalid($"a raw request for input '{input.Name}' must be a multiple of {size} bytes, but has {body.Length}");
            shape[open] = body.Length / size;
        }

        return new(input.Name, input.DataType, shape, body.ToArray());
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
