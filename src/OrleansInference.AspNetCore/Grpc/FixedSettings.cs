using Inference;

using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Settings that the protocol lets clients read and change. Here they can be read, and asked to be what they are.</summary>
internal sealed class FixedSettings(ILoggerFactory loggers)
{
    private const string TraceLevel = "trace_level";
    private const string NoTrace = "OFF";

    private readonly ILogger _logger = loggers.CreateLogger(nameof(OrleansInference));

    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public static TraceSettingResponse GetTrace(TraceSettingRequest request)
    {
        foreach (var (name, asked) in request.Settings)
        {
            // Without a value the setting is only cleared of what was never set.
            if (name != TraceLevel || asked.Value.Any(value => value != NoTrace))
                throw Refuse("trace", name, $"[{string.Join(", ", asked.Value)}]", $"there is no tracing, and {TraceLevel} is always {NoTrace}");
        }

        return new() { Settings = { [TraceLevel] = new() { Value = { NoTrace } } } };
    }

    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public LogSettingsResponse GetLog(LogSettingsRequest request)
    {
        var response = new LogSettingsResponse
        {
            Settings =
            {
                ["log_error"] = new() { BoolParam = _logger.IsEnabled(LogLevel.Error) },
                ["log_warning"] = new() { BoolParam = _logger.IsEnabled(LogLevel.Warning) },
                ["log_info"] = new() { BoolParam = _logger.IsEnabled(LogLevel.Information) },
                ["log_verbose_level"] = new() { Uint32Param = _logger.IsEnabled(LogLevel.Debug) ? 1u : 0u },
                ["log_format"] = new() { StringParam = "default" },
                ["log_file"] = new() { StringParam = "" },
            },
        };
        foreach (var (name, asked) in request.Settings)
        {
            if (!response.Settings.TryGetValue(name, out var actual) || asked.ToString() != actual.ToString())
                throw Refuse("log", name, asked.ToString(), "log levels are the server's own configuration, the section Logging");
        }

        return response;
    }

    private static InferenceException Refuse(string kind, string name, string value, string reason) =>
        new(InferenceError.InvalidArgument, $"{kind} setting '{name}' cannot be set to {value}: {reason}");
}
