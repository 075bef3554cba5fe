using Microsoft.Extensions.Logging;

namespace OrleansInference.Engine;

internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Error, "The thread of device {Device} caught what nobody waits for.")]
    public static partial void DeviceThreadFailed(ILogger logger, Exception exception, string device);

    [LoggerMessage(1002, LogLevel.Warning, "A batch of {Size} requests for {Model} failed; each runs by itself now.")]
    public static partial void BatchFailed(ILogger logger, Exception exception, int size, ModelId model);

    [LoggerMessage(1003, LogLevel.Information, "{Model} is ready on {Device}: verified in {Verified:F1} s, loaded and warmed up in {Loaded:F1} s.")]
    public static partial void ModelReady(ILogger logger, ModelId model, string device, double verified, double loaded);

    [LoggerMessage(1004, LogLevel.Warning, "{Model} cannot be served: {Reason}")]
    public static partial void ModelBroken(ILogger logger, ModelId model, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "Warm-up of {Model} with guessed sizes for its open dimensions failed: {Reason}")]
    public static partial void WarmupSkipped(ILogger logger, ModelId model, string reason);

    [LoggerMessage(
        1006, LogLevel.Warning, "No model that ends the process is kept from doing it again: Inference:Data, '{Folder}', cannot be used. {Reason}")]
    public static partial void QuarantineOff(ILogger logger, string folder, string reason);

    [LoggerMessage(1007, LogLevel.Warning, "The last process ended without having been asked to, while {Model} {Phase}.")]
    public static partial void ProcessEnded(ILogger logger, ModelId model, string phase);

    [LoggerMessage(1008, LogLevel.Warning, "Which models have ended the process cannot be read, and is begun anew: {Reason}")]
    public static partial void CrashesUnreadable(ILogger logger, string reason);

    [LoggerMessage(1009, LogLevel.Warning, "Which models have ended the process cannot be written: {Reason}")]
    public static partial void CrashesUnwritten(ILogger logger, string reason);

    [LoggerMessage(1010, LogLevel.Error, "The model repositories could not be looked through; it is tried again.")]
    public static partial void ScanFailed(ILogger logger, Exception exception);

    [LoggerMessage(1011, LogLevel.Warning, "{Folder} cannot be watched: what changes there is found every {Interval} s only.")]
    public static partial void WatchFailed(ILogger logger, Exception exception, string folder, double interval);

    [LoggerMessage(1012, LogLevel.Warning, "The configuration of {Model}: {Warning}")]
    public static partial void ConfigurationIdle(ILogger logger, ModelId model, string warning);
}
