using System.Runtime.CompilerServices;

using Microsoft.Extensions.DependencyInjection;

using Orleans.TestingHost;

using OrleansInference.Engine;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains;
using OrleansInference.Tensors;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>A call of a model's grain from the silo that it lives on, as the front door of that silo makes it. The engine answers at once.</summary>
internal sealed class GrainPieces : IAsyncDisposable
{
    public const string CallName = "call a model's grain on the same silo";

    private const string Model = "echo";

    private readonly DirectoryInfo _repository;
    private readonly InProcessTestCluster _cluster;
    private readonly IModelGrain _grain;
    private readonly InferenceRequest _request = new() { Model = Model, Inputs = [InferenceTensor.Create("x", new float[784], 1, 784)] };

    private GrainPieces(DirectoryInfo repository, InProcessTestCluster cluster)
    {
        _repository = repository;
        _cluster = cluster;
        var silo = cluster.Silos[0];
        _grain = silo.ServiceProvider.GetRequiredService<IGrainFactory>().GetModel(new(new(Model, 1), $"{silo.Name}.cpu:0"));
        Call = new(CallName, AllocationBudgets.CallModelGrain, () => _grain.InferAsync(_request, CancellationToken.None).AsTask());
    }

    public HotPiece Call { get; }

    public static async Task<GrainPieces> StartAsync()
    {
        var repository = Directory.CreateTempSubdirectory("orleans-inference-");
        // The archive stays empty: nothing here opens it.
        await File.WriteAllTextAsync(Path.Combine(repository.CreateSubdirectory($"{Model}/1").FullName, "model.pt"), "");
        await File.WriteAllTextAsync(
            Path.Combine(repository.FullName, Model, "config.json"),
            """
            {"max_batch_size": 64, "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [784]}],
             "output": [{"name": "x", "data_type": "TYPE_FP32", "dims": [784]}]}
            """);
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((options, silo) =>
        {
            var engine = new EngineOptions { SiloName = options.SiloName, Devices = ["cpu:0"], Models = [repository.FullName] };
            silo.Services.AddSingleton<IInferenceEngine>(new EchoEngine(DeviceDiscovery.Find(engine)));
            silo.AddInference(engine);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        var pieces = new GrainPieces(repository, cluster);
        await pieces._grain.LoadAsync();
        return pieces;
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _repository.Delete(recursive: true);
    }

    private sealed class EchoEngine(IReadOnlyList<Device> devices) : IInferenceEngine
    {
        public IReadOnlyList<Device> Devices => devices;

        public Task<ILoadedModel> LoadAsync(ModelVersion version, string device, Func<Task>? leave, CancellationToken cancellationToken) =>
            Task.FromResult<ILoadedModel>(new EchoModel(version.Id));

        public long GetMemoryLimit(string device) => 0;

        public Task<string?> VerifyAsync(ModelVersion version) => Task.FromResult<string?>(null);

        public void Release(ModelVersion version)
        {
            // Nothing here ends the process.
        }
    }

    private sealed class EchoModel(ModelId id) : ILoadedModel
    {
        public Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken) =>
            Task.FromResult(new InferenceResponse { Model = id, Outputs = request.Inputs });

        public async IAsyncEnumerable<InferenceResponse> InferStreamAsync(
            InferenceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return await InferAsync(request, cancellationToken);
        }

        public long MemoryBytes => 1;

        public string Checksum => "";

        public ModelStatistics GetStatistics() => new();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
