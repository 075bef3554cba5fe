using Inference;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>The messages of settings.</summary>
internal static class SettingMessages
{
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public static LogSettingsResponse Ask(this FixedSettings settings, LogSettingsRequest request)
    {
        var response = new LogSettingsResponse();
        var asked = request.Settings.Select(setting => KeyValuePair.Create(setting.Key, ToValue(setting.Value)));
        foreach (var (name, value) in settings.AskForLog(asked).ToValues())
        {
            response.Settings[name] = value switch
            {
                bool flag => new() { BoolParam = flag },
                uint number => new() { Uint32Param = number },
                _ => new() { StringParam = (string)value },
            };
        }

        return response;
    }

    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a setting would have to change.</exception>
    public static TraceSettingResponse Ask(this FixedSettings settings, TraceSettingRequest request)
    {
        var response = new TraceSettingResponse();
        var asked = request.Settings.Select(setting => KeyValuePair.Create<string, IReadOnlyList<string>>(setting.Key, setting.Value.Value));
        foreach (var (name, values) in settings.AskForTrace(asked).ToValues()) response.Settings[name] = new() { Value = { values } };
        return response;
    }

    private static object ToValue(LogSettingsRequest.Types.SettingValue value) => value.ParameterChoiceCase switch
    {
        LogSettingsRequest.Types.SettingValue.ParameterChoiceOneofCase.BoolParam => value.BoolParam,
        LogSettingsRequest.Types.SettingValue.ParameterChoiceOneofCase.Uint32Param => value.Uint32Param,
        LogSettingsRequest.Types.SettingValue.ParameterChoiceOneofCase.StringParam => value.StringParam,
        _ => "nothing",
    };
}
