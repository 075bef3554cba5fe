using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Writes an answer of the generate extension: one JSON object with the outputs by name, a lone element by itself and several as a flat
/// array.
/// </summary>
internal static class GenerateWriter
{
    public static string Write(InferCall call, InferenceResponse response)
    {
        var json = new ArrayBufferWriter<byte>();
        using var rented = JsonWriters.Rent(json);
        var writer = rented.Writer;
        writer.WriteStartObject();
        writer.WriteString("model_name"u8, response.Model.Name);
        writer.WriteString("model_version"u8, response.Model.Version.ToString(CultureInfo.InvariantCulture));
        if (call.Id is not null) writer.WriteString("id"u8, call.Id);
        foreach (var output in response.Outputs) WriteOutput(writer, output);
        writer.WriteEndObject();
        writer.Flush();
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private static void WriteOutput(Utf8JsonWriter writer, InferenceTensor output)
    {
        writer.WritePropertyName(output.Name);
        var isList = output.ElementCount != 1;
        if (isList) writer.WriteStartArray();
        if (output.DataType != DataType.Bytes) TensorJson.Write(writer, output.DataType, output.Data.Span);
        else foreach (var element in InferResponseWriter.ToText(output)) writer.WriteStringValue(element.Span);
        if (isList) writer.WriteEndArray();
    }
}
