using Microsoft.Extensions.DependencyInjection;

using Orleans.TestingHost;

using OrleansInference.Client;
using OrleansInference.Engine;
using OrleansInference.Engine.Devices;

namespace OrleansInference.Grains.Tests;

/// <summary>A cluster in this process: real silos and grains, scripted models, one CPU device per silo.</summary>
internal sealed class InferenceCluster : IAsyncDisposable
{
    /// <summary>`numbers` echoes FP32[-1,2]; `pictures` decodes pictures of 2 x 2, and its network is to answer with two scores.</summary>
    private static readonly Dictionary<string, string> Configurations = new()
    {
        ["numbers"] =
            """
            {"max_batch_size": 4, "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
             "output": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}]}
            """,
        ["pictures"] =
            """
            {"max_batch_size": 4, "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}],
             "output": [{"name": "scores", "data_type": "TYPE_FP32", "dims": [2], "label_filename": "labels.txt"},
                        {"name": "label", "data_type": "TYPE_STRING", "dims": [1]}],
             "preprocessing": [{"input": "image", "output": "pixels", "steps": [
               {"step": "decode_image", "color": "grayscale"}, {"step": "resize", "width": 2, "height": 2}]}],
             "postprocessing": [{"step": "softmax", "output": "scores"}, {"step": "label", "output": "label", "from": "scores"}]}
            """,
    };

    private readonly DirectoryInfo _repository = Directory.CreateTempSubdirectory("orleans-inference-");
    private InProcessTestCluster _cluster = null!;

    private InferenceCluster(ScriptedModels models) => Models = models;

    public ScriptedModels Models { get; }

    public IInferenceClient Client => _cluster.Client.ServiceProvider.GetRequiredService<IInferenceClient>();

    public IGrainFactory Grains => _cluster.Client;

    public static async Task<InferenceCluster> StartAsync(short silos = 1, ScriptedModels? models = null, bool waitUntilReady = true)
    {
        var cluster = new InferenceCluster(models ?? new());
        foreach (var (name, configuration) in Configurations)
        {
            var version = cluster._repository.CreateSubdirectory(Path.Combine(name, "1"));
            await File.WriteAllTextAsync(Path.Combine(version.FullName, "model.pt"), "");
            await File.WriteAllTextAsync(Path.Combine(version.Parent!.FullName, "config.json"), configuration);
            await File.WriteAllTextAsync(Path.Combine(version.Parent.FullName, "labels.txt"), "dark\nlight\n");
        }

        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((options, silo) =>
        {
            var engine = new EngineOptions { SiloName = options.SiloName, Devices = ["cpu:0"], Models = [cluster._repository.FullName] };
            silo.Services.AddSingleton<IInferenceEngine>(new ScriptedEngine(DeviceDiscovery.Find(engine), cluster.Models));
            silo.AddInference(engine);
        });
        builder.ConfigureClientHost(host => host.Services.AddInferenceClient());
        cluster._cluster = builder.Build();
        await cluster._cluster.DeployAsync();
        if (waitUntilReady) await cluster.WaitAsync(all => all.All(model => model.Instances.Count(IsReady) == silos));
        return cluster;
    }

    /// <summary>Follows the catalog until it shows what a test waits for.</summary>
    public async Task<IReadOnlyList<ModelEntry>> WaitAsync(Func<IReadOnlyList<ModelEntry>, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (string? revision = null; ;)
        {
            var snapshot = await Grains.GetCatalog().WatchAsync(revision, limit.Token);
            if (snapshot.Models.Count > 0 && condition(snapshot.Models)) return snapshot.Models;
            revision = snapshot.Revision;
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    public ModelInstanceId InstanceOf(string model, int silo = 0) => new(new(model, 1), $"{_cluster.Silos[silo].Name}.cpu:0");

    /// <summary>A model that nobody scripted otherwise answers with its inputs.</summary>
    public async Task AssertEchoesAsync(InferenceRequest request)
    {
        var response = await Client.InferAsync(request);
        Assert.Equal(request.Inputs[0].ToArray<float>(), response["x"].ToArray<float>());
    }

    public Task StopSiloAsync(int silo) => _cluster.StopSiloAsync(_cluster.Silos[silo]);

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _repository.Delete(recursive: true);
    }

    private static bool IsReady(ModelInstanceStatus instance) => instance.State == ModelState.Ready;
}
