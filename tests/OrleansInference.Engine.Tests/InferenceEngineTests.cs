using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests;

public sealed class InferenceEngineTests : IAsyncDisposable
{
    private static readonly Device Cpu = new("n.cpu:0", DeviceKind.Cpu, 0, 4);

    private readonly TemporaryFolder _root = new();
    private readonly ScriptedRuntime _runtime = new();
    private readonly ModelQuarantine _quarantine;
    private readonly InferenceEngine _engine;

    public InferenceEngineTests()
    {
        var options = new EngineOptions { DeviceMemoryBudget = 10, Data = _root.Create(".data") };
        _quarantine = new(options, [Cpu], TimeProvider.System, NullLogger<ModelQuarantine>.Instance);
        _engine = new([Cpu], _runtime, new TrustingVerifier(), _quarantine, options, TimeProvider.System, NullLogger<InferenceEngine>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _quarantine.Dispose();
        _root.Dispose();
    }

    [Fact]
    public async Task A_model_answers_while_another_one_is_being_loaded_on_its_device()
    {
        await using var first = await _engine.LoadAsync(Add("first"), Cpu.Name, null, default);
        using var gate = new ManualResetEventSlim();
        _runtime.OnLoad = () => gate.Wait(TimeSpan.FromSeconds(30));
        var second = _engine.LoadAsync(Add("second"), Cpu.Name, null, default);

        var answer = await first.InferAsync(Request, default);

        Assert.Equal(1, answer["x"].AsSpan<int>()[0]);
        Assert.False(second.IsCompleted);
        gate.Set();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task Whoever_loads_gets_one_thread_and_the_models_get_the_devices()
    {
        await using var model = await _engine.LoadAsync(Add("first"), Cpu.Name, null, default);

        Assert.Equal([1, 4], _runtime.Threads.Order());
        Assert.Equal(4, _runtime.LoadedWith!.Threads);
    }

    [Fact]
    public async Task A_loaded_model_knows_its_size_and_its_checksum()
    {
        await using var model = await _engine.LoadAsync(Add("first"), Cpu.Name, null, default);

        Assert.Equal((4, "abc"), (model.MemoryBytes, model.Checksum));
    }

    [Fact]
    public async Task One_that_cannot_be_loaded_takes_no_room()
    {
        _runtime.OnLoad = () => throw new InferenceException(InferenceError.NotReady, "broken");
        for (var attempt = 0; attempt < 5; attempt++)
            await Assert.ThrowsAsync<InferenceException>(() => _engine.LoadAsync(Add("first"), Cpu.Name, null, default));
        _runtime.OnLoad = () => { };

        await using var first = await _engine.LoadAsync(Add("first"), Cpu.Name, null, default);
        await using var second = await _engine.LoadAsync(Add("second"), Cpu.Name, null, default);
    }

    [Fact]
    public async Task One_for_which_there_is_no_room_has_another_one_leave()
    {
        var left = false;
        var first = await _engine.LoadAsync(Add("first"), Cpu.Name, null, default);
        ILoadedModel? second = null;
        second = await _engine.LoadAsync(Add("second"), Cpu.Name, async () =>
        {
            left = true;
            await second!.DisposeAsync();
        }, default);

        await using var third = await _engine.LoadAsync(Add("third"), Cpu.Name, null, default);

        Assert.True(left);
        await first.DisposeAsync();
    }

    private static InferenceRequest Request { get; } = new() { Model = "m", Inputs = [InferenceTensor.Create("x", new[] { 1 }, 1)] };

    private ModelVersion Add(string name)
    {
        _root.Write(
            $"{name}/config.json",
            """{"input": [{"name": "x", "data_type": "TYPE_INT32", "dims": [1]}], "output": [{"name": "x", "data_type": "TYPE_INT32", "dims": [1]}]}""");
        _root.Write($"{name}/1/model.pt", "");
        return ModelFolderReader.Open(Path.Combine(_root.Path, name), 1);
    }

    private sealed class TrustingVerifier : IModelVerifier
    {
        public Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken) =>
            Task.FromResult(ModelVerification.Sound(4) with { Checksum = "abc" });
    }

    private sealed class ScriptedRuntime : IModelRuntime
    {
        public Action OnLoad { get; set; } = () => { };

        public List<int> Threads { get; } = [];

        public Device? LoadedWith { get; private set; }

        public void InitializeThread(Device device)
        {
            lock (Threads) Threads.Add(device.Threads);
        }

        public void Prepare()
        {
        }

        public IModelInstance Load(ModelVersion version, Device device)
        {
            OnLoad();
            LoadedWith = device;
            return new ScriptedModel();
        }
    }
}
