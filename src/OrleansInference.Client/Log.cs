using Microsoft.Extensions.Logging;

namespace OrleansInference.Client;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "The model catalog does not answer yet: {Reason}")]
    public static partial void CatalogUnreachable(ILogger logger, string reason);

    [LoggerMessage(3002, LogLevel.Warning, "{Instance} is lost; the request goes to another device.")]
    public static partial void Retrying(ILogger logger, Exception exception, ModelInstanceId instance);

    [LoggerMessage(3003, LogLevel.Debug, "{Model} has no device that answers.")]
    public static partial void DeviceLost(ILogger logger, Exception exception, ModelId model);

    [LoggerMessage(3004, LogLevel.Warning, "The model catalog does not answer.")]
    public static partial void CatalogLost(ILogger logger, Exception exception);

    [LoggerMessage(3005, LogLevel.Debug, "The copy of a request that {Shadow} got as a shadow has failed.")]
    public static partial void CopyFailed(ILogger logger, Exception exception, ModelId shadow);

    [LoggerMessage(3006, LogLevel.Warning, "{Step} of ensemble {Ensemble} has failed.")]
    public static partial void StepFailed(ILogger logger, Exception exception, string step, ModelId ensemble);

    [LoggerMessage(3007, LogLevel.Warning, "A grain does not say what has become of {Count} calls; they are given up.")]
    public static partial void CallsLost(ILogger logger, Exception exception, int count);
}
