using Microsoft.Extensions.DependencyInjection;

using Orleans.Storage;
using Orleans.TestingHost;

using OrleansInference.Client;
using OrleansInference.Engine;
using OrleansInference.Engine.Devices;

namespace OrleansInference.Grains.Tests;

/// <summary>A cluster in this process: real silos and grains, scripted models, one CPU device per silo.</summary>
internal sealed class InferenceCluster : IAsyncDisposable
{
    private readonly SharedStorage _storage = new();
    private InProcessTestCluster _cluster = null!;

    private InferenceCluster(ScriptedModels models) => Models = models;

    public ScriptedModels Models { get; }

    public IInferenceClient Client => _cluster.Client.ServiceProvider.GetRequiredService<IInferenceClient>();

    public IGrainFactory Grains => _cluster.Client;

    /// <summary>What the process of the first silo can ask without a grain call.</summary>
    public ILocalModels Local => _cluster.Silos[0].ServiceProvider.GetRequiredService<ILocalModels>();

    public static async Task<InferenceCluster> StartAsync(short silos = 1, ScriptedModels? models = null, bool waitUntilReady = true, bool onDemand = false)
    {
        var cluster = new InferenceCluster(models ?? new());
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((options, silo) =>
        {
            var engine = new EngineOptions { SiloName = options.SiloName, Devices = ["cpu:0"], Models = [cluster.Repository.Path], DeviceMemoryBudget = onDemand ? 1 : 0 };
            silo.Services.AddSingleton<IInferenceEngine>(new ScriptedEngine(DeviceDiscovery.Find(engine), cluster.Models));
            silo.Services.AddKeyedSingleton<IGrainStorage>("inference", cluster._storage);
            silo.AddInference(engine);
        });
        builder.ConfigureClientHost(host => host.Services.AddInferenceClient());
        cluster._cluster = builder.Build();
        await cluster._cluster.DeployAsync();
        if (waitUntilReady) await cluster.WaitAsync(all => all.All(model => onDemand ? model.State == ModelState.Ready : model.Instances.Count(IsReady) == silos));
        return cluster;
    }

    /// <summary>Follows the catalog until it shows what a test waits for.</summary>
    public async Task<IReadOnlyList<ModelEntry>> WaitAsync(Func<IReadOnlyList<ModelEntry>, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (CatalogRevision? revision = null; ;)
        {
            try
            {
                var snapshot = await Grains.GetCatalog().WatchAsync(revision, limit.Token);
                if (snapshot.Models.Count > 0 && condition(snapshot.Models)) break;
                revision = snapshot.Revision;
            }
            catch (Exception exception) when (exception is InferenceException { Error: InferenceError.Unavailable } or OrleansException or TimeoutException)
            {
                // It lives on the silo that is stopping, lets nobody wait there, and may be gone before it answers.
                revision = null;
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
            }

            limit.Token.ThrowIfCancellationRequested();
        }

        // The client under test follows the catalog by itself, a moment before or after.
        while (true)
        {
            var known = await Client.GetModelsAsync(limit.Token);
            if (known.Count > 0 && condition(known)) return known;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }
    }

    public PictureRepository Repository { get; } = new();

    public ModelInstanceId InstanceOf(string model, int silo = 0) => new(new(model, 1), $"{_cluster.Silos[silo].Name}.cpu:0");

    /// <summary>A model that nobody scripted otherwise answers with its inputs.</summary>
    public async Task AssertEchoesAsync(InferenceRequest request)
    {
        var response = await Client.InferAsync(request);
        Assert.Equal(request.Inputs[0].ToArray<float>(), response["x"].ToArray<float>());
    }

    public Task AddSiloAsync() => _cluster.StartAdditionalSiloAsync();

    public Task StopSiloAsync(int silo) => _cluster.StopSiloAsync(_cluster.Silos[silo]);

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Repository.Dispose();
    }

    private static bool IsReady(ModelInstanceStatus instance) => instance.State == ModelState.Ready;
}
