using System.Text.Json;

using Google.Protobuf.Collections;

using Inference;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>What a request to load or unload a model asks for beside that. Over REST files are base64, over gRPC bytes.</summary>
internal static class ModelChangeParameters
{
    private const string Configuration = "config";
    private const string FilePrefix = "file:";
    private const string WithDependents = "unload_dependents";

    private static readonly Dictionary<string, JsonElement> Nothing = [];

    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a parameter is unknown, or not what it should be.</exception>
    public static ModelOverride? ReadOverride(IReadOnlyDictionary<string, JsonElement>? parameters) => ReadOverride(
        (parameters ?? Nothing).Select(parameter => parameter.Key.StartsWith(FilePrefix, StringComparison.Ordinal)
            ? (parameter.Key, null, FromBase64(parameter.Value, parameter.Key))
            : (parameter.Key, ToText(parameter.Value), (byte[]?)null)));

    /// <inheritdoc cref="ReadOverride(IReadOnlyDictionary{string, JsonElement}?)"/>
    public static ModelOverride? ReadOverride(MapField<string, ModelRepositoryParameter> parameters) => ReadOverride(
        parameters.Select(parameter => (
            parameter.Key,
            parameter.Value.HasStringParam ? parameter.Value.StringParam : null,
            parameter.Value.HasBytesParam ? parameter.Value.BytesParam.ToByteArray() : null)));

    /// <inheritdoc cref="ReadOverride(IReadOnlyDictionary{string, JsonElement}?)"/>
    public static bool ReadDependents(IReadOnlyDictionary<string, JsonElement>? parameters) => ReadDependents(
        (parameters ?? Nothing).Select(parameter => (
            parameter.Key, parameter.Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? parameter.Value.GetBoolean() : (bool?)null)));

    /// <inheritdoc cref="ReadOverride(IReadOnlyDictionary{string, JsonElement}?)"/>
    public static bool ReadDependents(MapField<string, ModelRepositoryParameter> parameters) => ReadDependents(
        parameters.Select(parameter => (parameter.Key, parameter.Value.HasBoolParam ? parameter.Value.BoolParam : (bool?)null)));

    private static ModelOverride? ReadOverride(IEnumerable<(string Name, string? Text, byte[]? Bytes)> parameters)
    {
        string? configuration = null;
        var files = new List<ModelFile>();
        foreach (var (name, text, bytes) in parameters)
        {
            if (name == Configuration)
                configuration = text ?? throw Refuse(name, "is the model's configuration: a string with JSON in it");
            else if (name.StartsWith(FilePrefix, StringComparison.Ordinal))
                files.Add(new(name[FilePrefix.Length..], bytes ?? throw Refuse(name, "is a file's content: bytes")));
            else
                throw Refuse(name, $"is not supported: a model is loaded with '{Configuration}' and '{FilePrefix}<version>/<file>'");
        }

        if (configuration is not null) return new() { Configuration = configuration, Files = files };
        return files.Count == 0 ? null : throw Refuse(FilePrefix + files[0].Path, $"needs the parameter '{Configuration}' beside it");
    }

    private static bool ReadDependents(IEnumerable<(string Name, bool? Value)> parameters)
    {
        var withDependents = false;
        foreach (var (name, value) in parameters)
        {
            if (name != WithDependents) throw Refuse(name, $"is not supported: a model is unloaded with '{WithDependents}'");
            withDependents = value ?? throw Refuse(name, "is true or false");
        }

        return withDependents;
    }

    private static string? ToText(JsonElement value) => value.ValueKind == JsonValueKind.String ? JsonFields.GetString(value) : null;

    private static byte[] FromBase64(JsonElement value, string name)
    {
        try
        {
            return Convert.FromBase64String(ToText(value) ?? throw Refuse(name, "is a file's content: a string in base64"));
        }
        catch (FormatException)
        {
            throw Refuse(name, "is not in base64");
        }
    }

    private static InferenceException Refuse(string name, string reason) => new(InferenceError.InvalidArgument, $"parameter '{name}' {reason}");
}
