using System.Text.Json;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Settings of logs and traces, which Triton's clients read, and may ask to be what they are.</summary>
internal static class SettingEndpoints
{
    private const string LogExample =
        """
        {"log_file": "", "log_info": true, "log_warning": true, "log_error": true, "log_verbose_level": 0, "log_format": "default"}
        """;

    private const string TraceExample =
        """
        {"trace_level": ["OFF"], "trace_rate": "1000", "trace_count": "0", "log_frequency": "0", "trace_file": ""}
        """;

    public static void MapSettings(this RouteGroupBuilder group)
    {
        group.MapGet("/logging", GetLog).WithTags("Settings").WithSummary("What is logged.").DescribeAnswer(LogExample);
        group.MapPost("/logging", AskForLogAsync).WithTags("Settings")
            .WithSummary("Asks for log settings.")
            .WithDescription("Each must be what it is already: log levels are the server's own configuration.")
            .DescribeBody<LogSettingsBody>("""{"log_verbose_level": 0}""")
            .DescribeAnswer(LogExample)
            .Produces<ErrorBody>(StatusCodes.Status400BadRequest);
        group.MapGet("/trace/setting", GetTrace).WithTags("Settings").WithSummary("What is traced: nothing.").DescribeAnswer(TraceExample);
        group.MapPost("/trace/setting", AskForTraceAsync).DescribeAskingForTrace();
        const string ModelPath = "/models/{model}/trace/setting";
        group.MapGet(ModelPath, GetModelTraceAsync).DescribePath("model").WithTags("Settings")
            .WithSummary("What is traced of a model: nothing.")
            .DescribeAnswer(TraceExample)
            .Produces<ErrorBody>(StatusCodes.Status404NotFound);
        group.MapPost(ModelPath, AskForModelTraceAsync).DescribePath("model").DescribeAskingForTrace()
            .Produces<ErrorBody>(StatusCodes.Status404NotFound);
    }

    private static RouteHandlerBuilder DescribeAskingForTrace(this RouteHandlerBuilder route) => route.WithTags("Settings")
        .WithSummary("Asks for trace settings.")
        .WithDescription("Each must be what it is already: there is no tracing.")
        .DescribeBody<TraceSettingsBody>("""{"trace_level": ["OFF"]}""")
        .DescribeAnswer(TraceExample)
        .Produces<ErrorBody>(StatusCodes.Status400BadRequest);

    private static Ok<LogSettingsBody> GetLog(FixedSettings settings) => TypedResults.Ok(settings.Log);

    private static async Task<Ok<LogSettingsBody>> AskForLogAsync(HttpRequest request, FixedSettings settings, RequestMemory memory)
    {
        var asked = await ReadAsync(request, memory);
        return TypedResults.Ok(settings.AskForLog(asked.Select(setting => KeyValuePair.Create(setting.Key, ToValue(setting.Value)))));
    }

    private static Ok<TraceSettingsBody> GetTrace(FixedSettings settings) => TypedResults.Ok(settings.Trace);

    private static async Task<Ok<TraceSettingsBody>> AskForTraceAsync(HttpRequest request, FixedSettings settings, RequestMemory memory)
    {
        var asked = await ReadAsync(request, memory);
        return TypedResults.Ok(settings.AskForTrace(asked.Select(setting => KeyValuePair.Create(setting.Key, ToList(setting.Key, setting.Value)))));
    }

    private static async Task<Ok<TraceSettingsBody>> GetModelTraceAsync(
        ModelRoute route, IInferenceClient client, FixedSettings settings, CancellationToken cancellationToken)
    {
        await client.GetModelAsync(route.Model, cancellationToken: cancellationToken);
        return GetTrace(settings);
    }

    private static async Task<Ok<TraceSettingsBody>> AskForModelTraceAsync(
        ModelRoute route, HttpRequest request, IInferenceClient client, FixedSettings settings, RequestMemory memory, CancellationToken cancellationToken)
    {
        await client.GetModelAsync(route.Model, cancellationToken: cancellationToken);
        return await AskForTraceAsync(request, settings, memory);
    }

    /// <summary>No body asks for nothing.</summary>
    private static async Task<Dictionary<string, JsonElement>> ReadAsync(HttpRequest request, RequestMemory memory) =>
        await JsonBody.ReadAsync(request, memory, ProtocolJson.Readable.DictionaryStringJsonElement) ?? [];

    private static object ToValue(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when value.TryGetUInt32(out var number) => number,
        JsonValueKind.String => JsonFields.GetString(value),
        _ => value,
    };

    private static IReadOnlyList<string> ToList(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.String => [JsonFields.GetString(value)],
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(JsonFields.GetString)],
        _ => throw Invalid($"trace setting '{name}' cannot be set to {value.GetRawText()}: expected a string or an array of strings"),
    };

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
