using System.Globalization;
using System.Text.Json;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>Pure: what becomes of the fields of a configuration that nobody has read.</summary>
internal static class UnservedFields
{
    /// <summary>Tells fields that change the answers from those that do not, and both from those that there are not.</summary>
    /// <param name="path">Where the field stands.</param>
    /// <param name="value">What it says.</param>
    /// <param name="field">What Triton has there; null where it has nothing.</param>
    /// <param name="errors">Takes why the model cannot be served as it is meant.</param>
    /// <param name="warnings">Takes what has no effect.</param>
    public static void Judge(string path, JsonElement value, TritonField? field, List<string> errors, List<string> warnings)
    {
        if (field is not null && IsDefault(value, field)) return;
        if (field?.Refusal is { } why)
            errors.Add($"{path}: {JsonSection.Show(value)} is not supported: {why}");
        else if (field is { IsIdle: true })
            warnings.Add($"{path}: {JsonSection.Show(value)} has no effect here");
        else if (field is { Fields.Count: > 0, IsRepeated: true } && value.ValueKind == JsonValueKind.Array)
            JudgeItems(path, value, field with { IsRepeated = false }, errors, warnings);
        else if (field is { Fields.Count: > 0, Key: null } && value.ValueKind == JsonValueKind.Object)
            JudgeMembers(path, value, field, errors, warnings);
        else
            errors.Add($"{path}: unknown or unsupported field with value {JsonSection.Show(value)}");
    }

    private static void JudgeItems(string path, JsonElement list, TritonField item, List<string> errors, List<string> warnings)
    {
        var index = 0;
        foreach (var value in list.EnumerateArray())
            Judge(string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"), value, item, errors, warnings);
    }

    private static void JudgeMembers(string path, JsonElement message, TritonField field, List<string> errors, List<string> warnings)
    {
        foreach (var member in message.EnumerateObject())
            Judge($"{path}.{member.Name}", member.Value, field.Fields.GetValueOrDefault(member.Name), errors, warnings);
    }

    /// <summary>Whether it says what would be without it. An empty message says something: that it is there.</summary>
    private static bool IsDefault(JsonElement value, TritonField field) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Number => value.TryGetInt64(out var number) && number == 0,
        JsonValueKind.String => value.ValueEquals("") || (field.Words.Count > 0 && value.ValueEquals(field.Words[0])),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
