using Microsoft.Extensions.Logging;

namespace OrleansInference.Grains;

internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Error, "Loading {Instance} failed.")]
    public static partial void LoadFailed(ILogger logger, Exception exception, ModelInstanceId instance);

    [LoggerMessage(2002, LogLevel.Warning, "The silo of {Instance} does not answer; its next report tries again.")]
    public static partial void InstanceUnreachable(ILogger logger, Exception exception, ModelInstanceId instance);

    [LoggerMessage(2003, LogLevel.Warning, "Silo {Silo} has not reported for {Seconds} s; its devices are taken for gone.")]
    public static partial void SiloSilent(ILogger logger, string silo, double seconds);

    [LoggerMessage(2004, LogLevel.Warning, "The report to the catalog failed; the next one is tried in a few seconds.")]
    public static partial void ReportFailed(ILogger logger, Exception exception);

    [LoggerMessage(2005, LogLevel.Warning, "The repository of silo {Silo} could not be asked for {Model}.")]
    public static partial void RepositoryUnreachable(ILogger logger, Exception exception, string silo, string model);

    [LoggerMessage(2006, LogLevel.Warning, "Model {Model} could not be loaded everywhere: a silo does not answer.")]
    public static partial void SiloUnreachable(ILogger logger, Exception exception, string model);

    [LoggerMessage(2007, LogLevel.Warning, "The cluster has given up silo {Silo}; its devices are gone.")]
    public static partial void SiloLost(ILogger logger, string silo);

    [LoggerMessage(2008, LogLevel.Warning, "Silo {Silo} could not be told whether it takes models.")]
    public static partial void DrainFailed(ILogger logger, Exception exception, string silo);

    [LoggerMessage(2009, LogLevel.Warning, "What this silo has could not be moved elsewhere; it leaves all the same.")]
    public static partial void NotDrained(ILogger logger, Exception exception);

    [LoggerMessage(2010, LogLevel.Warning, "What is asked of {Model} could not be stored.")]
    public static partial void WishNotStored(ILogger logger, Exception exception, string model);
}
