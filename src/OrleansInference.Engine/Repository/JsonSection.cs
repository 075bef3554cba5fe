using System.Globalization;
using System.Text.Json;

using OrleansInference.Engine.Repository.Triton;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// A JSON object under validation. Every getter notes the field as known and, where its value is wrong, adds a sentence with the
/// field's path and the value, so that a user sees all mistakes of a file at once; <see cref="RejectUnknown"/> adds the rest.
/// </summary>
/// <param name="element">The object.</param>
/// <param name="path">Where it stands; empty for the whole file.</param>
/// <param name="errors">Takes what is wrong.</param>
/// <param name="warnings">Takes what has no effect.</param>
/// <param name="message">What Triton has in this place; null where it has nothing.</param>
internal sealed class JsonSection(JsonElement element, string path, List<string> errors, List<string> warnings, TritonField? message)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public bool Has(string name) => TryGet(name, out _);

    public void Error(string field, string message) => errors.Add($"{PathOf(field)}: {message}");

    /// <summary>A string, or the fallback where there is none; a missing one without fallback is an error.</summary>
    public string String(string name, string? fallback = null)
    {
        if (!TryGet(name, out var value)) return fallback ?? Missing(name, "");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : Wrong(name, value, "a string", fallback ?? "");
    }

    public bool Boolean(string name, bool fallback)
    {
        if (!TryGet(name, out var value)) return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : Wrong(name, value, "true or false", fallback);
    }

    public int Integer(string name, int fallback, int minimum, int maximum)
    {
        if (!TryGet(name, out var value)) return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= minimum && number <= maximum
            ? number
            : Wrong(name, value, $"an integer from {minimum} to {maximum}", fallback);
    }

    /// <summary>An integer, or a word that stands for one.</summary>
    public int IntegerOr(string word, int meaning, string name, int fallback, int minimum, int maximum)
    {
        if (!TryGet(name, out var value)) return fallback;
        if (value.ValueKind == JsonValueKind.String && value.ValueEquals(word)) return meaning;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= minimum && number <= maximum
            ? number
            : Wrong(name, value, $"an integer from {minimum} to {maximum}, or \"{word}\"", fallback);
    }

    public float Number(string name, float fallback)
    {
        if (!TryGet(name, out var value)) return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && float.IsFinite(number)
            ? number
            : Wrong(name, value, "a number", fallback);
    }

    public double Double(string name, double fallback)
    {
        if (!TryGet(name, out var value)) return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : Wrong(name, value, "a number", fallback);
    }

    public float[]? Numbers(string name) => Array(name, "a number", element =>
        element.ValueKind == JsonValueKind.Number && element.TryGetSingle(out var number) && float.IsFinite(number) ? number : (float?)null);

    public int[]? Integers(string name, int minimum, int maximum) => Array(name, $"an integer from {minimum} to {maximum}", element =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var number) && number >= minimum && number <= maximum
            ? number
            : (int?)null);

    /// <summary>Strings, or integers as they are written; empty where there are none.</summary>
    public List<string> Values(string name, bool areIntegers)
    {
        var values = new List<string>();
        if (!TryGet(name, out var value)) return values;
        if (value.ValueKind != JsonValueKind.Array) return Wrong(name, value, "an array", values);
        var expected = areIntegers ? $"an integer from {long.MinValue} to {long.MaxValue}" : "a string";
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"{name}[{index++}]");
            if (!areIntegers && item.ValueKind == JsonValueKind.String)
                values.Add(item.GetString()!);
            else if (areIntegers && item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var number))
                values.Add(number.ToString(CultureInfo.InvariantCulture));
            else
                Wrong(field, item, expected, values);
        }

        return values;
    }

    /// <summary>Dimensions: positive, or -1 for any size. Null where there are none.</summary>
    public long[]? Dimensions(string name) => Array(name, "a dimension: 1 or more, or -1 for any size", element =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number) && number is > 0 or -1 ? number : (long?)null);

    /// <summary>One of some words, by its meaning.</summary>
    public T OneOf<T>(string name, T fallback, params ReadOnlySpan<(string Word, T Meaning)> choices)
    {
        if (!TryGet(name, out var value)) return fallback;
        var words = new List<string>();
        foreach (var (word, meaning) in choices)
        {
            if (value.ValueKind == JsonValueKind.String && value.ValueEquals(word)) return meaning;
            words.Add(word);
        }

        return Wrong(name, value, $"one of {string.Join(", ", words)}", fallback);
    }

    /// <summary>A nested object; null where there is none.</summary>
    public JsonSection? Section(string name)
    {
        if (!TryGet(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Object
            ? Nested(name, name, value)
            : Wrong<JsonSection?>(name, value, "an object", null);
    }

    /// <summary>A list of nested objects; empty where there is none.</summary>
    public List<JsonSection> Sections(string name)
    {
        var sections = new List<JsonSection>();
        if (!TryGet(name, out var value)) return sections;
        if (value.ValueKind != JsonValueKind.Array) return Wrong(name, value, "an array of objects", sections);
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"{name}[{index++}]");
            if (item.ValueKind == JsonValueKind.Object) sections.Add(Nested(name, field, item));
            else Wrong(field, item, "an object", sections);
        }

        return sections;
    }

    /// <summary>The objects of a map, by their keys; empty where there is none.</summary>
    public List<(string Key, JsonSection Section)> Map(string name)
    {
        var entries = new List<(string, JsonSection)>();
        if (!TryGet(name, out var value)) return entries;
        if (value.ValueKind != JsonValueKind.Object) return Wrong(name, value, "an object", entries);
        foreach (var member in value.EnumerateObject())
        {
            var field = $"{name}.{member.Name}";
            if (member.Value.ValueKind == JsonValueKind.Object) entries.Add((member.Name, Nested(name, field, member.Value)));
            else Wrong(field, member.Value, "an object", entries);
        }

        return entries;
    }

    /// <summary>A map from strings to strings; null where there is none.</summary>
    public Dictionary<string, string>? Strings(string name)
    {
        if (!TryGet(name, out var value)) return null;
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        if (value.ValueKind != JsonValueKind.Object) return Wrong(name, value, "an object", entries);
        var map = Nested(name, name, value);
        foreach (var member in value.EnumerateObject()) entries[member.Name] = map.String(member.Name);
        return entries;
    }

    /// <summary>Notes a field whose content this program only passes on.</summary>
    public void Ignore(string name) => _known.Add(name);

    /// <summary>Judges the fields that nobody has asked for.</summary>
    public void RejectUnknown()
    {
        foreach (var member in element.EnumerateObject())
        {
            if (!_known.Contains(member.Name))
                UnservedFields.Judge(PathOf(member.Name), member.Value, message?.Fields.GetValueOrDefault(member.Name), errors, warnings);
        }
    }

    /// <summary>A value as it is written, and no longer than a message should be.</summary>
    public static string Show(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "...";
    }

    private JsonSection Nested(string name, string field, JsonElement value) =>
        new(value, PathOf(field), errors, warnings, message?.Fields.GetValueOrDefault(name));

    private T[]? Array<T>(string name, string expected, Func<JsonElement, T?> read)
        where T : struct
    {
        if (!TryGet(name, out var value)) return null;
        if (value.ValueKind != JsonValueKind.Array) return Wrong<T[]?>(name, value, "an array", null);
        var items = new List<T>();
        foreach (var item in value.EnumerateArray())
        {
            if (read(item) is { } read1) items.Add(read1);
            else Wrong(string.Create(CultureInfo.InvariantCulture, $"{name}[{items.Count}]"), item, expected, items);
        }

        return [.. items];
    }

    private bool TryGet(string name, out JsonElement value)
    {
        _known.Add(name);
        return element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private T Missing<T>(string name, T fallback)
    {
        Error(name, "is missing");
        return fallback;
    }

    private T Wrong<T>(string name, JsonElement value, string expected, T fallback)
    {
        Error(name, $"{Show(value)} is not {expected}");
        return fallback;
    }

    private string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";
}
