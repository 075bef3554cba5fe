using Microsoft.Extensions.DependencyInjection;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Inference;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

/// <summary>A model `processed` with steps before and after its network, read from a folder of its own. Nothing here loads the network.</summary>
internal sealed class ProcessedModel : IDisposable
{
    private readonly TemporaryFolder _repository = new();
    private readonly ServiceProvider _services;

    /// <param name="fields">The fields of its configuration.</param>
    /// <param name="files">Names and contents of further files.</param>
    public ProcessedModel(string fields, params (string Name, byte[] Content)[] files)
    {
        _repository.Write("processed/1/model.pt", "");
        _repository.Write("processed/config.json", $"{{\"max_batch_size\": 4, {fields}}}");
        foreach (var (name, content) in files) File.WriteAllBytes(Path.Combine(_repository.Path, "processed", name), content);
        _services = new ServiceCollection().AddInferenceEngine(new EngineOptions { Models = [_repository.Path] }, []).BuildServiceProvider();
        var repository = _services.GetRequiredService<IModelRepository>();
        Assert.Equal("", Assert.Single(repository.Publications).Reason);
        Version = repository.Find(new("processed", 1))!;
    }

    public ModelVersion Version { get; }

    /// <summary>What the network would get.</summary>
    public InferenceTensor[] Preprocess(params InferenceTensor[] inputs) =>
        Preprocessor.Run(Version, Preprocessor.Bind(Version, Request(inputs)), default);

    /// <summary>What a caller would get of what the network gave.</summary>
    public Dictionary<string, InferenceTensor> Postprocess(params InferenceTensor[] outputs) =>
        Postprocessor.Run(Version, outputs).ToDictionary(output => output.Name);

    /// <summary>Has bad inputs refused.</summary>
    public void AssertRefused(string expected, params InferenceTensor[] inputs)
    {
        var exception = Assert.Throws<InferenceException>(() => Preprocess(inputs));
        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Has bad outputs of the network reported.</summary>
    public void AssertFailed(string expected, params InferenceTensor[] outputs)
    {
        var exception = Assert.Throws<InferenceException>(() => Postprocess(outputs));
        Assert.Equal(InferenceError.ModelFailed, exception.Error);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    public static InferenceRequest Request(params InferenceTensor[] inputs) => new() { Model = "processed", Inputs = inputs };

    public void Dispose()
    {
        _services.Dispose();
        _repository.Dispose();
    }
}
