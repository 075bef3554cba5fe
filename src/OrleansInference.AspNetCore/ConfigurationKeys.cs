using Microsoft.Extensions.Configuration;

using OrleansInference.Client;

namespace OrleansInference.AspNetCore;

/// <summary>
/// The settings that there are in the section <c>Inference</c>. All programs know those of all of them: they share environment variables.
/// </summary>
internal static class ConfigurationKeys
{
    /// <summary>Settings of the silo program, whose options this library does not know.</summary>
    public static readonly string[] OfSilo =
        ["Models", "SiloName", "Devices", "ThreadsPerDevice", "MaxQueueSize", "VerificationTimeout", "VerificationMemory", "Data",
            "ModelControlMode", "PollInterval", "LoadModels", "DeviceMemoryBudget"];

    /// <summary>Those of them that are lists, whose items are keys in turn.</summary>
    private static readonly string[] Lists = ["Models", "Devices", "LoadModels"];

    private static readonly string FrontDoor = FrontDoorOptions.SectionName.Split(':')[^1];

    /// <summary>Settings that nobody reads, in sentences: a mistyped one would otherwise be no setting at all, without a word.</summary>
    public static IEnumerable<string> FindUnknown(IConfiguration configuration)
    {
        string[] inference = [.. OfSilo, .. NamesOf<InferenceClientOptions>(), FrontDoor];
        return FindUnknown(configuration.GetSection(InferenceClientOptions.SectionName), inference)
            .Concat(FindUnknown(configuration.GetSection(FrontDoorOptions.SectionName), NamesOf<FrontDoorOptions>()));
    }

    private static IEnumerable<string> FindUnknown(IConfigurationSection section, string[] known)
    {
        foreach (var setting in section.GetChildren())
        {
            if (!known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
            {
                var names = string.Join(", ", known.Order(StringComparer.Ordinal));
                yield return $"{setting.Path}: there is no such setting; those of {section.Path} are {names}.";
            }
            else if (!Lists.Append(FrontDoor).Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
            {
                foreach (var below in setting.GetChildren()) yield return $"{below.Path}: there is no such setting; {setting.Path} is one value.";
            }
        }
    }

    private static string[] NamesOf<T>() => [.. typeof(T).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)];
}
