using Microsoft.Extensions.DependencyInjection;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Tests;

/// <summary>A model repository in a folder of its own, whose archives are empty: nothing here loads them.</summary>
internal sealed class PictureRepository : IDisposable
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

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orleans-inference-");

    public PictureRepository()
    {
        foreach (var (name, configuration) in Configurations)
        {
            AddVersion(name, 1);
            Configure(name, configuration);
            File.WriteAllText(System.IO.Path.Combine(Path, name, "labels.txt"), "dark\nlight\n");
        }
    }

    public string Path => _folder.FullName;

    /// <summary>The model `pictures`, as the engine reads it.</summary>
    public ModelVersion Model => new ServiceCollection()
        .AddInferenceEngine(new EngineOptions { Models = [Path] }, [])
        .BuildServiceProvider()
        .GetRequiredService<IModelRepository>()
        .Find(new("pictures", 1))!;

    /// <summary>Adds a version of `numbers`, or a model like it.</summary>
    public void Add(string name, int version = 1)
    {
        AddVersion(name, version);
        Configure(name, Configurations["numbers"]);
    }

    public void Configure(string name, string configuration) =>
        File.WriteAllText(System.IO.Path.Combine(Path, name, "config.json"), configuration);

    /// <summary>Makes another file of a model's first version.</summary>
    public void Change(string name) => File.AppendAllText(System.IO.Path.Combine(Path, name, "1", "model.pt"), "changed");

    public void Remove(string name) => Directory.Delete(System.IO.Path.Combine(Path, name), recursive: true);

    private void AddVersion(string name, int version)
    {
        var folder = _folder.CreateSubdirectory(System.IO.Path.Combine(name, $"{version}"));
        File.WriteAllText(System.IO.Path.Combine(folder.FullName, "model.pt"), "");
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
