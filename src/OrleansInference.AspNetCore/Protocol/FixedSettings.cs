using System.Globalization;

using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Settings that the protocol lets clients read and change. Here they can be read, and asked to be what they are: log levels are the
/// operator's configuration, and there is no tracing.
/// </summary>
internal sealed class FixedSettings(ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger(nameof(OrleansInference));

    public TraceSettingsBody Trace { get; } = new();

    /// <summary>As the program logs now: the configuration may have been changed while it runs.</summary>
    public LogSettingsBody Log => new(
        LogInfo: _logger.IsEnabled(LogLevel.Information),
        LogWarning: _logger.IsEnabled(LogLevel.Warning),
        LogError: _logger.IsEnabled(LogLevel.Error),
        LogVerboseLevel: _logger.IsEnabled(LogLevel.Debug) ? 1u : 0u);

    /// <param name="asked">Names with values: text, bool or uint, or anything else that was sent.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public LogSettingsBody AskForLog(IEnumerable<KeyValuePair<string, object>> asked)
    {
        var settings = Log;
        var actual = settings.ToValues();
        foreach (var (name, value) in asked)
        {
            if (!Find("log", actual, name).Equals(value))
                throw Refuse("log", name, Show(value), "log levels are the server's own configuration, the section Logging");
        }

        return settings;
    }

    /// <param name="asked">Names with values; without a value a setting is only cleared of what was never set.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public TraceSettingsBody AskForTrace(IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> asked)
    {
        var actual = Trace.ToValues();
        foreach (var (name, values) in asked)
        {
            var setting = Find("trace", actual, name);
            if (values.Count > 0 && !values.SequenceEqual(setting))
                throw Refuse("trace", name, $"[{string.Join(", ", values)}]", $"there is no tracing, and it is always [{string.Join(", ", setting)}]");
        }

        return Trace;
    }

    private static T Find<T>(string kind, IReadOnlyDictionary<string, T> settings, string name) =>
        settings.TryGetValue(name, out var value)
            ? value
            : throw new InferenceException(
                InferenceError.InvalidArgument, $"there is no {kind} setting '{name}': expected one of {string.Join(", ", settings.Keys)}");

    private static InferenceException Refuse(string kind, string name, string value, string reason) =>
        new(InferenceError.InvalidArgument, $"{kind} setting '{name}' cannot be set to {value}: {reason}");

    private static string Show(object value) => value switch
    {
        string text => $"'{text}'",
        true => "true",
        false => "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}

/// <param name="LogFile">Where the log goes; empty, since it goes where the program's own configuration says.</param>
/// <param name="LogInfo">Whether information is logged.</param>
/// <param name="LogWarning">Whether warnings are logged.</param>
/// <param name="LogError">Whether errors are logged.</param>
/// <param name="LogVerboseLevel">1 where what helps in the search for mistakes is logged, else 0.</param>
/// <param name="LogFormat">Always <c>default</c>.</param>
internal sealed record LogSettingsBody(
    string LogFile = "",
    bool LogInfo = false,
    bool LogWarning = false,
    bool LogError = false,
    uint LogVerboseLevel = 0,
    string LogFormat = "default")
{
    /// <summary>The settings by the protocol's names.</summary>
    public IReadOnlyDictionary<string, object> ToValues() => new Dictionary<string, object>
    {
        ["log_file"] = LogFile,
        ["log_info"] = LogInfo,
        ["log_warning"] = LogWarning,
        ["log_error"] = LogError,
        ["log_verbose_level"] = LogVerboseLevel,
        ["log_format"] = LogFormat,
    };
}

/// <summary>Settings of traces, numbers as text, as the protocol has them.</summary>
internal sealed record TraceSettingsBody
{
    /// <summary>What is traced: nothing.</summary>
    public IReadOnlyList<string> TraceLevel { get; } = ["OFF"];

    /// <summary>Of how many requests one would be traced.</summary>
    public string TraceRate { get; } = "1000";

    /// <summary>How many traces are still to be made.</summary>
    public string TraceCount { get; } = "0";

    /// <summary>After how many traces a file would be written.</summary>
    public string LogFrequency { get; } = "0";

    /// <summary>Where traces would go.</summary>
    public string TraceFile { get; } = "";

    /// <summary>The settings by the protocol's names, each a list of values.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> ToValues() => new Dictionary<string, IReadOnlyList<string>>
    {
        ["trace_level"] = TraceLevel,
        ["trace_rate"] = [TraceRate],
        ["trace_count"] = [TraceCount],
        ["log_frequency"] = [LogFrequency],
        ["trace_file"] = [TraceFile],
    };
}
