using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>A repository with one model, whose archive and configuration a test writes.</summary>
internal sealed class TorchRepository : IDisposable
{
    public static readonly Device Cpu = new("test.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly TemporaryFolder _root = new();
    private readonly TorchRuntime _runtime = new();

    public string Root => _root.Path;

    public string ModelFolder => Path.Combine(_root.Path, "model");

    public string ModelPath => PathOf(1);

    public string PathOf(int version) => Path.Combine(ModelFolder, $"{version}", "model.pt");

    public void Configure(string json) => _root.Write("model/config.json", json);

    /// <summary>Inputs by name and type, as in <c>x TYPE_FP32 [2]</c>, and outputs, of which all are numbers of any shape or with these dims.</summary>
    public void Configure(string inputs, string outputs, int maxBatchSize = 0, string more = "") => Configure(
        $$"""{"max_batch_size": {{maxBatchSize}}, "input": [{{Tensors(inputs)}}], "output": [{{Tensors(outputs)}}]{{more}} }""");

    public void Write(string forward, string[]? counters = null, Dictionary<string, string>? more = null) =>
        TorchScriptArchive.Write(ModelPath, forward, counters, more);

    public string WriteFile(string path, string content) => _root.Write(Path.Combine("model", path), content);

    public ModelVersion Open() => ModelFolderReader.Open(ModelFolder, 1);

    public IModelInstance Load()
    {
        _runtime.InitializeThread(Cpu);
        return _runtime.Load(Open(), Cpu);
    }

    /// <summary>What one request is answered.</summary>
    public InferenceTensor[] Run(params InferenceTensor[] inputs)
    {
        using var model = Load();
        return model.Run([inputs]).Outputs[0];
    }

    /// <summary>The reason why the model cannot be opened and loaded.</summary>
    public string FindFault()
    {
        var exception = Assert.Throws<InferenceException>(() => Load().Dispose());
        Assert.Equal(InferenceError.NotReady, exception.Error);
        return exception.Message;
    }

    public void Dispose() => _root.Dispose();

    private static string Tensors(string tensors) => string.Join(',', tensors.Split(';', StringSplitOptions.TrimEntries).Select(tensor =>
    {
        var parts = tensor.Split(' ');
        var dims = parts.Length > 2 ? $", \"dims\": {parts[2]}" : "";
        return $$"""{"name": "{{parts[0]}}", "data_type": "TYPE_{{parts[1]}}"{{dims}}}""";
    }));
}
