using System.Text.Json;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>Reads the members of JSON objects, with errors that name the field.</summary>
internal static class JsonMembers
{
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

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
