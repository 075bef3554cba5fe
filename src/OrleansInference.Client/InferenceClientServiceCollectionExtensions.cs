using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

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
        services.TryAddSingleton(provider => new DeviceChooser(
            Random.Shared, provider.GetRequiredService<TimeProvider>(), provider.GetService<ILocalModels>()));
        services.TryAddSingleton<CallWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<CallWatch>());
        services.TryAddSingleton<ModelCaller>();
        services.TryAddSingleton<CatalogWatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogWatcher>());
        services.TryAddSingleton<IInferenceClient, InferenceClient>();
        return services;
    }
}
