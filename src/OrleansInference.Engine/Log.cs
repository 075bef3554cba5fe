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

    [LoggerMessage(1006, LogLevel.Warning, "The configuration of {Model}: {Warning}")]
    public static partial void ConfigurationIdle(ILogger logger, ModelId model, string warning);
}
