using System.Text.Json.Nodes;

using Google.Protobuf;

using Inference;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>
/// Reads a model's configuration file as Triton's message. Fields that are this server's own, such as <c>preprocessing</c>, are not in it.
/// </summary>
internal static class ConfigurationMessage
{
    private const string Parameters = "parameters";

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    public static ModelConfig Read(ModelDescriptor model)
    {
        var json = (JsonObject)JsonNode.Parse(model.Configuration)!;
        // Of any type in the file; text in the message.
        var parameters = json[Parameters] as JsonObject;
        json.Remove(Parameters);
        var config = Parser.Parse<ModelConfig>(json.ToJsonString());
        config.Name = model.Id.Name;
        config.Platform = model.Platform;
        foreach (var (name, value) in parameters ?? []) config.Parameters[name] = new() { StringValue = ToText(value) };
        return config;
    }

    private static string ToText(JsonNode? value) => value switch
    {
        JsonObject { Count: 1 } wrapped when wrapped["string_value"] is { } text => ToText(text),
        JsonValue text when text.TryGetValue<string>(out var content) => content,
        _ => value?.ToJsonString() ?? "",
    };
}
