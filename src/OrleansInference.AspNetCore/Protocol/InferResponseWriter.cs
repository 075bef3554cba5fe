using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

using Microsoft.AspNetCore.Http;

using OrleansInference.AspNetCore.Compression;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Writes an answer: JSON straight into the response's pipe, or, where an output is to be binary, JSON of known length and the
/// tensors' bytes behind it.
/// </summary>
internal static class InferResponseWriter
{
    /// <summary>Elements between two looks at how much the pipe holds; large answers must not pile up in memory.</summary>
    private const int ElementsPerChunk = 8192;

    private const int BytesPerChunk = 64 * 1024;

    public static async Task WriteAsync(
        HttpResponse http, InferCall call, InferenceResponse response, ModelDescriptor model, CancellationToken cancellationToken)
    {
        var outputs = ToOutputs(call, response, model);
        long binaryBytes = 0, allBytes = 0;
        foreach (var (tensor, binary) in outputs)
        {
            allBytes += tensor.Data.Length;
            if (binary) binaryBytes += tensor.Data.Length;
        }

        TensorCompressionProvider.Announce(http.HttpContext, allBytes);
        if (!Array.Exists(outputs, output => output.Binary))
        {
            http.ContentType = "application/json";
            await WriteJsonAsync(http.BodyWriter, call, response, outputs, http.BodyWriter, cancellationToken);
            return;
        }

        // The head is sent with the first flush, so that it can still tell the length of the JSON behind it.
        var unsent = await WriteJsonAsync(http.BodyWriter, call, response, outputs, null, cancellationToken);
        http.ContentType = "application/octet-stream";
        http.Headers[InferRequestReader.HeaderLength] = unsent.ToString(CultureInfo.InvariantCulture);
        http.ContentLength = unsent + binaryBytes;
        foreach (var (tensor, binary) in outputs)
        {
            if (binary) unsent = await WriteBytesAsync(http.BodyWriter, tensor.Data, unsent, cancellationToken);
        }

        // The server sends what is left at the end of the request with the head, or else not before the connection's next answer.
        if (unsent < http.ContentLength) await http.BodyWriter.FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Writes piece by piece: in one piece all of a large tensor would be copied into the pipe before the first byte leaves it. What is
    /// small leaves at the end of the request, in one packet with the head.
    /// </summary>
    /// <returns>The bytes that are left in the pipe.</returns>
    private static async ValueTask<long> WriteBytesAsync(PipeWriter pipe, ReadOnlyMemory<byte> data, long unsent, CancellationToken cancellationToken)
    {
        while (!data.IsEmpty)
        {
            var length = Math.Min(BytesPerChunk, data.Length);
            pipe.Write(data.Span[..length]);
            data = data[length..];
            unsent += length;
            if (unsent < BytesPerChunk) continue;
            await pipe.FlushAsync(cancellationToken);
            unsent = 0;
        }

        return unsent;
    }

    /// <summary>The outputs as they are to be written.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: one cannot be written so.</exception>
    public static (InferenceTensor Tensor, bool Binary)[] ToOutputs(InferCall call, InferenceResponse response, ModelDescriptor model)
    {
        var outputs = new (InferenceTensor, bool)[response.Outputs.Count];
        for (var i = 0; i < outputs.Length; i++) outputs[i] = ToOutput(response.Outputs[i], call, model);
        return outputs;
    }

    private static (InferenceTensor Tensor, bool Binary) ToOutput(InferenceTensor output, InferCall call, ModelDescriptor model)
    {
        var (binary, _) = call.FormOf(output.Name);
        output = call.Classify(output, model);
        if (!binary && output.DataType == DataType.Bytes) ToText(output);
        return (output, binary);
    }

    /// <summary>The answer as one piece of JSON, as a stream of them has it.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: an output cannot be written as JSON.</exception>
    public static async Task<string> WriteTextAsync(InferCall call, InferenceResponse response, ModelDescriptor model)
    {
        var outputs = ToOutputs(call, response, model);
        if (Array.Find(outputs, output => output.Binary).Tensor is { } binary)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"output '{binary.Name}' cannot be binary: model '{model.Id.Name}' answers with a stream of JSON");
        }

        var json = new ArrayBufferWriter<byte>();
        await WriteJsonAsync(json, call, response, outputs, null, CancellationToken.None);
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    /// <summary>The elements of a BYTES output, which JSON can only hold where they are text.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: they are not.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> ToText(InferenceTensor output)
    {
        var elements = output.ToBytes();
        return elements.All(element => Utf8.IsValid(element.Span)) ? elements : throw new InferenceException(
            InferenceError.InvalidArgument, $"output '{output.Name}' holds bytes that are not UTF-8: ask for it with \"binary_data\": true");
    }

    /// <returns>The bytes of the JSON.</returns>
    private static async ValueTask<long> WriteJsonAsync(
        IBufferWriter<byte> target,
        InferCall call,
        InferenceResponse response,
        (InferenceTensor Tensor, bool Binary)[] outputs,
        PipeWriter? pipe,
        CancellationToken cancellationToken)
    {
        using var rented = JsonWriters.Rent(target);
        await WriteObjectAsync(rented.Writer, call, response, outputs, pipe, cancellationToken);
        rented.Writer.Flush();
        return rented.Writer.BytesCommitted;
    }

    /// <summary>Writes an answer as one object among others that a writer writes.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="call">The request.</param>
    /// <param name="response">The answer.</param>
    /// <param name="outputs">Its outputs, as they are to be written.</param>
    /// <param name="pipe">Where the writer writes to, so that a large answer leaves piece by piece; null to leave it in there.</param>
    /// <param name="cancellationToken">Ends the wait for room in the pipe.</param>
    public static async ValueTask WriteObjectAsync(
        Utf8JsonWriter writer,
        InferCall call,
        InferenceResponse response,
        (InferenceTensor Tensor, bool Binary)[] outputs,
        PipeWriter? pipe,
        CancellationToken cancellationToken)
    {
        writer.WriteStartObject();
        writer.WriteString("model_name"u8, response.Model.Name);
        writer.WriteString("model_version"u8, response.Model.Version.ToString(CultureInfo.InvariantCulture));
        if (call.Id is not null) writer.WriteString("id"u8, call.Id);
        if (response.Members.Count > 0) WriteMembers(writer, response.Members);
        writer.WriteStartArray("outputs"u8);
        foreach (var (tensor, binary) in outputs)
        {
            WriteHeader(writer, tensor);
            if (binary)
            {
                writer.WriteStartObject("parameters"u8);
                writer.WriteNumber("binary_data_size"u8, tensor.Data.Length);
                writer.WriteEndObject();
            }
            else
            {
                writer.WriteStartArray("data"u8);
                await WriteElementsAsync(writer, tensor, pipe, cancellationToken);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter writer, IReadOnlyList<MemberReport> members)
    {
        writer.WriteStartObject("parameters"u8);
        foreach (var report in members)
        {
            writer.WriteString(MemberParameters.ToName(report), MemberParameters.ToWord(report.Outcome));
            writer.WriteNumber(MemberParameters.ToDurationName(report), MemberParameters.ToMilliseconds(report));
            if (report.Reason.Length > 0) writer.WriteString(MemberParameters.ToReasonName(report), report.Reason);
        }

        writer.WriteEndObject();
    }

    private static void WriteHeader(Utf8JsonWriter writer, InferenceTensor tensor)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, tensor.Name);
        writer.WriteString("datatype"u8, tensor.DataType.ToProtocolName());
        writer.WriteStartArray("shape"u8);
        foreach (var dimension in tensor.Shape) writer.WriteNumberValue(dimension);
        writer.WriteEndArray();
    }

    private static async Task WriteElementsAsync(Utf8JsonWriter writer, InferenceTensor tensor, PipeWriter? pipe, CancellationToken cancellationToken)
    {
        if (tensor.DataType == DataType.Bytes)
        {
            var sinceFlush = 0L;
            foreach (var element in tensor.ToBytes())
            {
                writer.WriteStringValue(element.Span);
                sinceFlush += element.Length;
                if (pipe is null || sinceFlush < BytesPerChunk) continue;
                sinceFlush = 0;
                writer.Flush();
                await pipe.FlushAsync(cancellationToken);
            }

            return;
        }

        var chunk = ElementsPerChunk * tensor.DataType.ElementSize();
        for (var start = 0; start < tensor.Data.Length; start += chunk)
        {
            TensorJson.Write(writer, tensor.DataType, tensor.Data.Span[start..Math.Min(start + chunk, tensor.Data.Length)]);
            if (pipe is null || start + chunk >= tensor.Data.Length) continue;
            writer.Flush();
            await pipe.FlushAsync(cancellationToken);
        }
    }
}
