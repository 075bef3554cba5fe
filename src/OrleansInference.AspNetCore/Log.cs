using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Error, "{Method} {Path} failed.")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(4002, LogLevel.Error, "Request {Index} of many failed.")]
    public static partial void OneOfManyFailed(ILogger logger, Exception exception, long index);
}
