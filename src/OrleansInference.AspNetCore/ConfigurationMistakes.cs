using System.Globalization;

using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

using OrleansInference.Client;

namespace OrleansInference.AspNetCore;

/// <summary>What is wrong with a program's settings, in sentences for whoever has written them.</summary>
public static class ConfigurationMistakes
{
    /// <summary>Checks that there are no settings that nobody reads, such as mistyped ones.</summary>
    /// <exception cref="OptionsValidationException">There are.</exception>
    public static void ThrowIfUnknown(IConfiguration configuration)
    {
        string[] unknown = [.. ConfigurationKeys.FindUnknown(configuration)];
        if (unknown.Length > 0) throw new OptionsValidationException(InferenceClientOptions.SectionName, typeof(InferenceClientOptions), unknown);
    }

    /// <summary>
    /// Checks all options now, and whether the addresses can be had: the host, which finds out as it starts, would log a call stack for each.
    /// </summary>
    /// <exception cref="OptionsValidationException">One kind of options is wrong.</exception>
    /// <exception cref="AggregateException">Several are.</exception>
    public static void ThrowIfAny(IServiceProvider services)
    {
        services.GetService<IStartupValidator>()?.Validate();
        ListenAddresses.Try(services.GetRequiredService<IOptions<FrontDoorOptions>>().Value);
    }

    /// <summary>Finds the sentences in what has ended a program.</summary>
    /// <param name="exception">What has ended it.</param>
    /// <param name="configuration">Its settings; null where they could not even be read.</param>
    /// <returns>One per mistake, with its key and value; null where something else has gone wrong.</returns>
    public static IReadOnlyList<string>? Find(Exception exception, IConfiguration? configuration) => exception switch
    {
        // A switch with one dash.
        FormatException malformed when configuration is null => [malformed.Message],
        OptionsValidationException invalid => [.. invalid.Failures.Select(failure => Complete(failure, invalid.OptionsType, configuration))],
        AggregateException all when all.InnerExceptions.All(inner => inner is OptionsValidationException) =>
            [.. all.InnerExceptions.SelectMany(inner => Find(inner, configuration)!)],
        // A value of the wrong type, which the message names with its key; an address that another program has taken just now.
        InvalidOperationException { InnerException: FormatException or ArgumentException } unreadable => [unreadable.Message],
        IOException { InnerException: AddressInUseException } inUse => [inUse.Message],
        _ => null,
    };

    /// <summary>Generated validators begin with the bare name of the property, and do not say what its value is.</summary>
    private static string Complete(string failure, Type options, IConfiguration? configuration)
    {
        var section = options == typeof(FrontDoorOptions) ? FrontDoorOptions.SectionName : InferenceClientOptions.SectionName;
        var property = failure.Split(':')[0];
        if (failure.StartsWith(section, StringComparison.Ordinal) || configuration?[$"{section}:{property}"] is not { } value) return failure;
        var isBareNumber = int.TryParse(value, CultureInfo.InvariantCulture, out _) && options.GetProperty(property)?.PropertyType == typeof(TimeSpan);
        return $"{section}:{failure} It is '{value}'{(isBareNumber ? ", which are days: 00:00:15 are 15 seconds" : "")}.";
    }
}
