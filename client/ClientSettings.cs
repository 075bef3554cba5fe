namespace OrleansInference.FrontEnd;

/// <summary>The settings of a client among those of a whole cluster: its programs may share their environment variables.</summary>
internal static class ClientSettings
{
    // What silos alone have. Orleans would look for a client's part of it, and end the program since there is none.
    private static readonly string[] OfSilos = ["Orleans:GrainStorage", "Orleans:Reminders", "Orleans:GrainDirectory"];

    public static IConfiguration Read(IConfiguration settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.AsEnumerable().Where(setting => !OfSilos.Any(key => IsIn(setting.Key, key)))).Build();

    private static bool IsIn(string key, string section) =>
        key.StartsWith(section, StringComparison.OrdinalIgnoreCase) && (key.Length == section.Length || key[section.Length] == ':');
}
