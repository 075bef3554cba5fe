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
            var version = _folder.CreateSubdirectory(System.IO.Path.Combine(name, "1"));
            File.WriteAllText(System.IO.Path.Combine(version.FullName, "model.pt"), "");
            File.WriteAllText(System.IO.Path.Combine(version.Parent!.FullName, "config.json"), configuration);
            File.WriteAllText(System.IO.Path.Combine(version.Parent.FullName, "labels.txt"), "dark\nlight\n");
        }
    }

    public string Path => _folder.FullName;

    /// <summary>The model `pictures`, as the engine reads it.</summary>
    public ModelVersion Model => new ServiceCollection()
        .AddInferenceEngine(new EngineOptions { Models = [Path] }, [])
        .BuildServiceProvider()
        .GetRequiredService<IModelRepository>()
        .Find(new("pictures", 1))!;

    public void Dispose() => _folder.Delete(recursive: true);
}
