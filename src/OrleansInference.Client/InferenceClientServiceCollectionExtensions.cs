using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

using Orleans.Configuration;

using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>Registers the client.</summary>
public static class InferenceClientServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="IInferenceClient"/> to a host that is an Orleans client (<c>UseOrleansClient</c>) or a silo (<c>UseOrleans</c>).
    /// </summary>
    public static IServiceCollection AddInferenceClient(this IServiceCollection services)
    {
        services.AddOptions<InferenceClientOptions>().BindConfiguration(InferenceClientOptions.SectionName).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<InferenceClientOptions>, InferenceClientOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        // A client closes the connection to a silo that hangs when it is told that the cluster has given up the silo; it asks for that once a minute by default.
        services.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2));
        services.TryAddSingleton(provider => new DeviceChooser(
            Random.Shared, provider.GetRequiredService<TimeProvider>(), provider.GetService<ILocalModels>()));
        services.TryAddSingleton<CallWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<CallWatch>());
        services.AddHostedService<SiloConnections>();
        services.TryAddSingleton<ModelCaller>();
        services.TryAddSingleton<CatalogWatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogWatcher>());
        services.TryAddSingleton<IInferenceClient, InferenceClient>();
        return services;
    }
}
