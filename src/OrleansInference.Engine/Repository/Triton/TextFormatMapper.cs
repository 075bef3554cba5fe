using System.Globalization;
using System.Text.Json.Nodes;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>Pure: gives the fields of a text their types, and writes them as the JSON that a <c>config.json</c> would have.</summary>
internal static class TextFormatMapper
{
    private static readonly string[] True = ["true", "True", "t", "1"];
    private static readonly string[] False = ["false", "False", "f", "0"];

    /// <param name="fields">A message's fields.</param>
    /// <param name="message">The message.</param>
    /// <param name="mistakes">Takes whatever does not fit.</param>
    public static JsonObject Map(IReadOnlyList<TextField> fields, TritonField message, List<TextFormatException> mistakes)
    {
        var json = new JsonObject();
        foreach (var same in fields.GroupBy(field => field.Name))
        {
            var known = message.Fields.GetValueOrDefault(same.Key);
            if (message.Type == TritonType.Anything) json[same.Key] = MapAnything([.. same]);
            else if (known is null) mistakes.Add(new(same.First().Position, $"'{same.Key}' is no field of {Describe(message)}"));
            else json[same.Key] = MapField([.. same], known, mistakes);
        }

        return json;
    }

    private static JsonNode? MapField(IReadOnlyList<TextField> same, TritonField field, List<TextFormatException> mistakes)
    {
        var values = same.SelectMany(one => one.Values);
        if (field.Key is { } key) return MapEntries(values, key, field with { Key = null }, mistakes);
        if (field.IsRepeated) return new JsonArray([.. values.Select(value => MapValue(value, field, mistakes))]);
        if (same.Count > 1) mistakes.Add(new(same[1].Position, $"'{same[1].Name}' is there twice, and is no list"));
        if (!same[0].IsList) return MapValue(same[0].Values[0], field, mistakes);
        mistakes.Add(new(same[0].Position, $"'{same[0].Name}' is no list"));
        return null;
    }

    /// <summary>The entries of a map are messages of a key and a value; what is left out of them is empty.</summary>
    private static JsonObject MapEntries(IEnumerable<TextValue> entries, TritonType key, TritonField field, List<TextFormatException> mistakes)
    {
        var entryOf = new TritonField(TritonType.Message)
        {
            Fields = new Dictionary<string, TritonField> { ["key"] = new(key), ["value"] = field },
        };
        var json = new JsonObject();
        foreach (var entry in entries)
        {
            if (MapValue(entry, entryOf, mistakes) is not JsonObject pair) continue;
            var name = pair["key"]?.ToString() ?? (key == TritonType.Integer ? "0" : "");
            if (json.ContainsKey(name)) mistakes.Add(new(entry.Position, $"the key '{name}' is there twice"));
            json[name] = pair["value"]?.DeepClone() ?? (field.Type == TritonType.Message ? new JsonObject() : "");
        }

        return json;
    }

    private static JsonNode? MapValue(TextValue value, TritonField field, List<TextFormatException> mistakes)
    {
        switch (field.Type)
        {
            case TritonType.Message or TritonType.Anything when value.Kind == TextKind.Message:
                return Map(value.Fields, field, mistakes);
            case TritonType.Text when value.Kind == TextKind.String:
                return value.Text;
            case TritonType.Word when value.Kind == TextKind.Word && field.Words.Contains(value.Text):
                return value.Text;
            // An enumeration may be written as its number, too.
            case TritonType.Word when value.Kind == TextKind.Number && ParseInteger(value.Text) is JsonValue number &&
                number.TryGetValue<long>(out var index) && index >= 0 && index < field.Words.Count:
                return field.Words[(int)index];
            case TritonType.Integer when value.Kind == TextKind.Number && ParseInteger(value.Text) is { } number:
                return number;
            case TritonType.Flag when value.Kind is TextKind.Word or TextKind.Number && True.Contains(value.Text):
                return true;
            case TritonType.Flag when value.Kind is TextKind.Word or TextKind.Number && False.Contains(value.Text):
                return false;
            default:
                mistakes.Add(new(value.Position, $"{Show(value)} is not {Expected(field)}"));
                return null;
        }
    }

    /// <summary>What nobody reads is shown by its looks alone: what is there several times is a list.</summary>
    private static JsonNode? MapAnything(IReadOnlyList<TextField> same)
    {
        var values = same.SelectMany(field => field.Values).Select(value => value.Kind switch
        {
            TextKind.Message => Map(value.Fields, new(TritonType.Anything), []),
            TextKind.Number => ParseInteger(value.Text) ?? ParseReal(value.Text),
            TextKind.Word when True.Contains(value.Text) => true,
            TextKind.Word when False.Contains(value.Text) => false,
            _ => (JsonNode)value.Text,
        }).ToArray();
        return values is [var only] && !same[0].IsList ? only : new JsonArray(values);
    }

    /// <summary>An integer in decimal, hexadecimal (<c>0x1F</c>) or octal (<c>017</c>); null where it is none, or too large.</summary>
    private static JsonNode? ParseInteger(string text)
    {
        var digits = text.TrimStart('-');
        var isNegative = digits.Length < text.Length;
        ulong magnitude;
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            if (!ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out magnitude)) return null;
        }
        else if (digits.Length > 1 && digits[0] == '0')
        {
            // 21 octal digits are 63 bits.
            if (digits.Length > 22 || !digits.All(digit => digit is >= '0' and <= '7')) return null;
            magnitude = Convert.ToUInt64(digits, 8);
        }
        else if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out magnitude))
        {
            return null;
        }

        const ulong Lowest = 1UL << 63;
        if (isNegative) return magnitude <= Lowest ? JsonValue.Create(unchecked(-(long)magnitude)) : null;
        return magnitude < Lowest ? JsonValue.Create((long)magnitude) : JsonValue.Create(magnitude);
    }

    /// <summary>A floating-point number, which may end in <c>f</c>; as it is written where JSON has no such number.</summary>
    private static JsonNode ParseReal(string text)
    {
        var digits = text[^1] is 'f' or 'F' ? text[..^1] : text;
        return double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : text;
    }

    private static string Show(TextValue value) => value.Kind == TextKind.Message ? "a message" : $"'{value.Text}'";

    private static string Describe(TritonField message) => $"this message, which has {string.Join(", ", message.Fields.Keys.DefaultIfEmpty("none"))}";

    private static string Expected(TritonField field) => field.Type switch
    {
        TritonType.Text => "a string in quotes",
        TritonType.Integer => "an integer",
        TritonType.Flag => "true or false",
        TritonType.Word => $"one of {string.Join(", ", field.Words)}",
        _ => "a message in braces",
    };
}
