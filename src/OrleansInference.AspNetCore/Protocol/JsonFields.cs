using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Steps of a JSON reader through the protocol's objects, which end with a message that names the field.</summary>
internal static class JsonFields
{
    private const int MaxDepth = 64;

    /// <summary>A reader of a request's JSON, in which bare numbers have been marked; it stands before the first token.</summary>
    public static Utf8JsonReader Open(ReadOnlySequence<byte> json)
    {
        var options = new JsonReaderOptions { MaxDepth = MaxDepth };
        return json.IsSingleSegment ? new(json.FirstSpan, options) : new(json, options);
    }

    /// <summary>What a reader says of JSON that is none; null for what is no reader's word.</summary>
    public static InferenceException? ToRefusal(Exception exception) => exception switch
    {
        JsonException => new(InferenceError.InvalidArgument, $"failed to parse the request JSON buffer: {exception.Message}", exception),
        // The reader compares and copies names unescaped: this is how it says that one is no text.
        InvalidOperationException => new(
            InferenceError.InvalidArgument, "failed to parse the request JSON buffer: a string is not valid UTF-8", exception),
        _ => null,
    };

    /// <summary>The text of a string that has been read.</summary>
    public static string GetString(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw ToRefusal(exception)!;
        }
    }

    /// <summary>The beginning of the request's one object.</summary>
    public static void ReadStart(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw Invalid("failed to parse the request JSON buffer: the body is not a JSON object");
    }

    /// <summary>The end of the body, so that anything behind the object is found.</summary>
    public static void ReadEnd(ref Utf8JsonReader reader)
    {
        while (reader.Read())
        {
        }
    }

    /// <summary>The next member that is not null: clients that write every optional field write null for what they leave out.</summary>
    public static bool NextMember(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var value = reader;
            if (!value.Read() || value.TokenType != JsonTokenType.Null) return true;
            reader = value;
        }

        return false;
    }

    public static bool NextItem(ref Utf8JsonReader reader, string field, int count)
    {
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndArray) return false;
        if (count == RequestLimits.MaxTensors) throw Invalid($"Unable to parse '{field}': there are more than {RequestLimits.MaxTensors}");
        return reader.TokenType == JsonTokenType.StartObject ? true : throw Invalid($"Unable to parse '{field}': it holds something else than objects");
    }

    public static void ReadArray(ref Utf8JsonReader reader, string field)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) throw Invalid($"Unable to parse '{field}': it is not an array");
    }

    public static void ReadObject(ref Utf8JsonReader reader, string field)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid($"Unable to parse '{field}': it is not an object");
    }

    public static string ReadString(ref Utf8JsonReader reader, string field)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String || BareNumbers.TryRead(ref reader, out _))
            throw Invalid($"Unable to parse '{field}': it is not a string");
        return TensorJson.GetString(ref reader, field);
    }

    public static bool ReadBoolean(ref Utf8JsonReader reader, string field)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            _ => throw Invalid($"Unable to parse '{field}': it is neither true nor false"),
        };
    }

    public static long ReadInteger(ref Utf8JsonReader reader, string field, long minimum, long maximum)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) && value >= minimum && value <= maximum
            ? value
            : throw Invalid($"Unable to parse '{field}': it is not an integer from {minimum} to {maximum}");
    }

    /// <summary>A string, or the text of a number, of true or of false.</summary>
    public static string ReadScalar(ref Utf8JsonReader reader, string field)
    {
        var value = reader;
        value.Read();
        if (value.TokenType == JsonTokenType.String) return ReadString(ref reader, field);
        reader = value;
        return reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False
            ? Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan)
            : throw Invalid($"Unable to parse '{field}': it is not a string, a number, true or false");
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
