using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The elements of tensors in JSON: straight from its numbers into bytes, and back.</summary>
internal static class TensorJson
{
    /// <summary>What a shape is taken at its word for, before any element has been seen.</summary>
    private const int MaxTrustedBytes = 16 * 1024;

    /// <summary>Reads the value of <c>data</c>, nested or flat, into the tensor's bytes.</summary>
    /// <param name="reader">Stands on the name of a property that holds an array, or an element by itself.</param>
    /// <param name="name">The input, for messages.</param>
    /// <param name="type">The datatype.</param>
    /// <param name="shape">The shape, for messages.</param>
    /// <param name="count">The number of elements that the shape asks for.</param>
    /// <param name="maxBytes">The most bytes that the elements may take.</param>
    /// <param name="bytes">The elements.</param>
    /// <returns>False where they take more.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: they are not what datatype and shape ask for.</exception>
    public static bool TryRead(
        ref Utf8JsonReader reader, string name, DataType type, ReadOnlySpan<long> shape, long count, long maxBytes, out byte[] bytes)
    {
        bytes = [];
        var size = type.ElementSize();
        // A shape may claim any number of elements: beyond some, memory grows with those that there are.
        var elements = new ArrayBufferWriter<byte>((int)Math.Clamp(Math.Min(count, MaxTrustedBytes) * size, 1, MaxTrustedBytes));
        var found = 0L;
        var depth = 0;
        do
        {
            reader.Read();
            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray:
                    depth++;
                    break;
                case JsonTokenType.EndArray:
                    depth--;
                    break;
                default:
                    if (++found > count) throw WrongCount(name, shape, count, "more");
                    if (type == DataType.Bytes)
                    {
                        WriteString(ref reader, elements, name, found);
                    }
                    else
                    {
                        WriteElement(ref reader, elements.GetSpan(size), name, type, found);
                        elements.Advance(size);
                    }

                    if (elements.WrittenCount > maxBytes) return false;
                    break;
            }
        }
        while (depth > 0);

        if (found < count) throw WrongCount(name, shape, count, $"{found}");
        bytes = elements.WrittenSpan.ToArray();
        return true;
    }

    /// <summary>Writes some of a tensor's elements as JSON values.</summary>
    public static void Write(Utf8JsonWriter writer, DataType type, ReadOnlySpan<byte> elements)
    {
        switch (type)
        {
            case DataType.Bool:
                foreach (var element in elements) writer.WriteBooleanValue(element != 0);
                break;
            case DataType.UInt8:
                foreach (var element in elements) writer.WriteNumberValue(element);
                break;
            case DataType.UInt16:
                foreach (var element in As<ushort>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.UInt32:
                foreach (var element in As<uint>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.UInt64:
                foreach (var element in As<ulong>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.Int8:
                foreach (var element in As<sbyte>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.Int16:
                foreach (var element in As<short>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.Int32:
                foreach (var element in As<int>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.Int64:
                foreach (var element in As<long>(elements)) writer.WriteNumberValue(element);
                break;
            case DataType.Float16:
                foreach (var element in As<Half>(elements)) WriteFloat(writer, (float)element);
                break;
            case DataType.BFloat16:
                foreach (var element in As<ushort>(elements)) WriteFloat(writer, BFloat16.ToSingle(element));
                break;
            case DataType.Float32:
                foreach (var element in As<float>(elements)) WriteFloat(writer, element);
                break;
            case DataType.Float64:
                foreach (var element in As<double>(elements))
                {
                    if (double.IsFinite(element)) writer.WriteNumberValue(element);
                    else writer.WriteRawValue(NotFinite(element), skipInputValidation: true);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "BYTES have no fixed size.");
        }
    }

    /// <summary>A JSON string that must be text.</summary>
    public static string GetString(ref Utf8JsonReader reader, string field)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Invalid($"Unable to parse '{field}': it is not valid UTF-8");
        }
    }

    private static void WriteElement(ref Utf8JsonReader reader, Span<byte> target, string name, DataType type, long number)
    {
        var read = reader.TokenType switch
        {
            JsonTokenType.True or JsonTokenType.False when type == DataType.Bool => Write(target, reader.TokenType == JsonTokenType.True),
            JsonTokenType.Number => WriteNumber(ref reader, target, type),
            JsonTokenType.String when type.IsFloatingPoint() => BareNumbers.TryRead(ref reader, out var value) && WriteFloat(target, type, value),
            _ => false,
        };
        if (!read)
            throw Invalid($"Unable to parse 'data' of input '{name}': element {number - 1}, {Show(ref reader)}, is no {type.ToProtocolName()}");
    }

    private static bool WriteNumber(ref Utf8JsonReader reader, Span<byte> target, DataType type)
    {
        switch (type)
        {
            case DataType.UInt8:
                return reader.TryGetByte(out var uint8) && Write(target, uint8);
            case DataType.UInt16:
                return reader.TryGetUInt16(out var uint16) && Write(target, uint16);
            case DataType.UInt32:
                return reader.TryGetUInt32(out var uint32) && Write(target, uint32);
            case DataType.UInt64:
                return reader.TryGetUInt64(out var uint64) && Write(target, uint64);
            case DataType.Int8:
                return reader.TryGetSByte(out var int8) && Write(target, int8);
            case DataType.Int16:
                return reader.TryGetInt16(out var int16) && Write(target, int16);
            case DataType.Int32:
                return reader.TryGetInt32(out var int32) && Write(target, int32);
            case DataType.Int64:
                return reader.TryGetInt64(out var int64) && Write(target, int64);
            case DataType.Float16:
                return reader.TryGetSingle(out var float16) && Half.IsFinite((Half)float16) && Write(target, (Half)float16);
            case DataType.BFloat16:
                return reader.TryGetSingle(out var bfloat16) && TryRoundToBFloat16(bfloat16, out var bits) && Write(target, bits);
            case DataType.Float32:
                return reader.TryGetSingle(out var float32) && float.IsFinite(float32) && Write(target, float32);
            case DataType.Float64:
                return reader.TryGetDouble(out var float64) && double.IsFinite(float64) && Write(target, float64);
            default:
                return false;
        }
    }

    private static bool WriteFloat(Span<byte> target, DataType type, double value) => type switch
    {
        DataType.Float16 => Write(target, (Half)value),
        DataType.BFloat16 => Write(target, (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16)),
        DataType.Float32 => Write(target, (float)value),
        _ => Write(target, value),
    };

    private static bool TryRoundToBFloat16(float value, out ushort bits)
    {
        bits = BFloat16.FromSingle(value);
        return float.IsFinite(value) && float.IsFinite(BFloat16.ToSingle(bits));
    }

    private static bool Write<T>(Span<byte> target, T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(target, value);
        return true;
    }

    private static void WriteString(ref Utf8JsonReader reader, ArrayBufferWriter<byte> elements, string name, long number)
    {
        if (reader.TokenType != JsonTokenType.String || BareNumbers.TryRead(ref reader, out _))
            throw Invalid($"Unable to parse 'data' of input '{name}': element {number - 1}, {Show(ref reader)}, is no string");
        var upperBound = (int)(reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length);
        var target = elements.GetSpan(BytesElements.PrefixSize + upperBound);
        try
        {
            var length = reader.CopyString(target[BytesElements.PrefixSize..]);
            BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)length);
            elements.Advance(BytesElements.PrefixSize + length);
        }
        catch (InvalidOperationException)
        {
            throw Invalid($"Unable to parse 'data' of input '{name}': element {number - 1} is not valid UTF-8");
        }
    }

    private static void WriteFloat(Utf8JsonWriter writer, float value)
    {
        if (float.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteRawValue(NotFinite(value), skipInputValidation: true);
    }

    /// <summary>JSON has no such numbers; the protocol's clients write and read them bare.</summary>
    private static ReadOnlySpan<byte> NotFinite(double value) => double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8;

    private static ReadOnlySpan<T> As<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(bytes);

    private static string Show(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.PropertyName or JsonTokenType.EndObject) return "an object";
        if (reader.TokenType == JsonTokenType.String && BareNumbers.TryRead(ref reader, out var number)) return $"'{number}'";
        var value = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
        return $"'{Encoding.UTF8.GetString(value.Length > 40 ? value[..40] : value)}'";
    }

    private static InferenceException WrongCount(string name, ReadOnlySpan<long> shape, long count, string found) => Invalid(
        $"Unable to parse 'data' of input '{name}': shape {TensorShape.Format(shape)} asks for {count} elements, but there are {found}");

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
