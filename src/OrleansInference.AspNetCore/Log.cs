using Microsoft.Extensions.Logging;

namespace OrleansInference.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Error, "{Method} {Path} failed.")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string method, string path);
}
