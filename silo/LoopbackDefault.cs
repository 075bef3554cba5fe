namespace OrleansInference.Silo;

/// <summary>Where other programs reach the silo.</summary>
internal static class LoopbackDefault
{
    private const string Key = "Orleans:Endpoints:AdvertisedIPAddress";

    /// <summary>
    /// Keeps a silo that is alone with its machine, as development clustering is, from listening where others reach it. In any other
    /// cluster Orleans looks for an address of the machine's, unless it is given one.
    /// </summary>
    public static void Apply(IConfigurationManager configuration)
    {
        var alone = string.Equals(configuration["Orleans:Clustering:ProviderType"], "Development", StringComparison.OrdinalIgnoreCase);
        if (alone && string.IsNullOrEmpty(configuration[Key])) configuration.AddInMemoryCollection([new(Key, "127.0.0.1")]);
    }
}
