using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine;

/// <summary>Registers the engine.</summary>
public static class EngineServiceCollectionExtensions
{
    /// <summary>Adds the engine and its repository.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">Sound options, as <see cref="EngineOptions.Read"/> gives them.</param>
    /// <param name="devices">The devices to own, as <see cref="DeviceDiscovery.Find"/> finds them.</param>
    public static IServiceCollection AddInferenceEngine(
        this IServiceCollection services, EngineOptions options, IReadOnlyList<Device> devices)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(options);
        services.TryAddSingleton(devices);
        if (!services.Any(service => service.ServiceType == typeof(IModelRepository)))
        {
            services.AddSingleton(provider =>
                new FileModelRepository([.. options.Models], options.IsLoadedByItself, provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<IModelRepository>(provider => provider.GetRequiredService<FileModelRepository>());
            services.AddHostedService<RepositoryWatcher>();
        }

        services.TryAddSingleton<IModelRuntime, ModelRuntimes>();
        services.TryAddSingleton<ChildProcessVerifier>();
        services.TryAddSingleton<IModelVerifier>(provider => new RememberingVerifier(provider.GetRequiredService<ChildProcessVerifier>()));
        services.TryAddSingleton<ModelQuarantine>();
        services.TryAddSingleton<IInferenceEngine, InferenceEngine>();
        return services;
    }
}
