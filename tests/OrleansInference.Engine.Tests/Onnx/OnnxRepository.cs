using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Onnx;

/// <summary>A repository with one model, whose file and configuration a test writes.</summary>
internal sealed class OnnxRepository : IDisposable
{
    public static readonly Device Cpu = new("test.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly TemporaryFolder _root = new();
    private readonly OnnxRuntime _runtime = new();

    public string Root => _root.Path;

    public string ModelFolder => Path.Combine(_root.Path, "model");

    public string ModelPath => PathOf(1);

    public string PathOf(int version) => Path.Combine(ModelFolder, $"{version}", "model.onnx");

    public void Configure(string json) => _root.Write("model/config.json", json);

    public void Write(string content) => _root.Write("model/1/model.onnx", content);

    public ModelVersion Open(int version = 1) => ModelFolderReader.Open(ModelFolder, version);

    public IModelInstance Load()
    {
        _runtime.InitializeThread(Cpu);
        return _runtime.Load(Open(), Cpu);
    }

    /// <summary>The reason why the model cannot be opened and loaded.</summary>
    public string FindFault()
    {
        var exception = Assert.Throws<InferenceException>(() => Load().Dispose());
        Assert.Equal(InferenceError.NotReady, exception.Error);
        return exception.Message;
    }

    public void Dispose() => _root.Dispose();
}
