using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Storage;

using OrleansInference.Engine;
using OrleansInference.Engine.Devices;
using OrleansInference.Grains.Inference;
using OrleansInference.Grains.Models;
using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains;

/// <summary>Makes a silo serve models.</summary>
public static class InferenceSiloBuilderExtensions
{
    /// <summary>Adds the inference grains and the engine below them, and advertises the process's devices to the cluster.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">Sound options, as <see cref="EngineOptions.Read"/> gives them.</param>
    public static ISiloBuilder AddInference(this ISiloBuilder silo, EngineOptions options)
    {
        var devices = DeviceDiscovery.Find(options);
        silo.Services.AddInferenceEngine(options, devices);
        silo.Services.TryAddSingleton<ModelInstances>();
        silo.Services.TryAddSingleton<ILocalModels>(services => services.GetRequiredService<ModelInstances>());
        silo.Services.TryAddSingleton<LiveStreams>();
        silo.Services.TryAddSingleton<ProcessingThrottle>();
        silo.Services.TryAddSingleton<RequestProcessor>();
        silo.Services.TryAddSingleton<CallsUnderWay>();
        silo.Services.TryAddSingleton<SiloReporter>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<SiloReporter>());
        silo.Services.AddPlacementFilter<DeviceFilterStrategy, DeviceFilterDirector>(ServiceLifetime.Singleton);
        // Where no storage is configured, what is asked of the catalog lives as long as the silos do.
        if (!silo.Services.Any(service => service.ServiceType == typeof(IGrainStorage) && Equals(service.ServiceKey, ModelCatalogGrain.StorageName)))
            silo.AddMemoryGrainStorage(ModelCatalogGrain.StorageName);
        silo.UseSiloMetadata(new Dictionary<string, string>
        {
            [DeviceFilterDirector.MetadataKey] = string.Join(',', devices.Select(device => device.Name)),
        });
        // With the other directory, which is Orleans' default still, a silo that stops or dies takes grains of other silos with it, those whose places it
        // kept: the others would unload a part of their models, and load them again. It may also have two catalogs for a while.
#pragma warning disable ORLEANSEXP003 // It is called experimental, but is what Orleans' own documentation recommends instead of external directories.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // Where a silo has died, that directory lets no grain be found anew for some ten seconds, or there could be two of it for a moment, one of them on a silo that
        // is only thought to be dead. Of a model's grain there cannot, since it is on its device's silo alone; a catalog that has been overtaken is told by its storage.
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        // The catalog knows silos by the names of their devices' first part.
        silo.Configure<SiloOptions>(names => names.SiloName = options.SiloName);
        // Where all silos of a cluster were killed, they stand in its table as active, and nobody gives them up. A silo that is started then at another address wants to
        // reach them, until they have not been heard of for three times the period in which silos note that they live: a minute and a half by default.
        silo.Configure<ClusterMembershipOptions>(membership => membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5));
        // What a silo had is loaded elsewhere once the cluster has given the silo up, which takes 15 s by default: three probes of 5 s. Models that
        // run do not hold up a silo's answers to probes, since they run on threads of their own, and callers do not wait for the verdict, so that
        // half a second longer or shorter matters little; but a silo that is given up by mistake ends its process. Hence still three probes, of a second each.
        // Where they could grow longer than that, as they do by default, nobody would be given up who has been heard of within the time of the three longest.
        silo.Configure<ClusterMembershipOptions>(membership => membership.ProbeTimeout = membership.MaxProbeTimeout = TimeSpan.FromSeconds(1));
        // A device that no silo owns fails at once, with a message of ours; placement would try for a second.
        silo.Configure<SiloMessagingOptions>(options => options.PlacementMaxRetries = 0);
        return silo;
    }
}
