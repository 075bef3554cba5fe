using System.Runtime.InteropServices;

using OrleansInference.Benchmarks.Models;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Verification;

/// <summary>Real models for a verifying process: rows of FP32 in and out.</summary>
internal sealed class VerifiedRepository(string name = "model") : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public string ModelFolder => Path.Combine(_root.Path, name);

    public void Dispose() => _root.Dispose();

    /// <summary>A TorchScript model of one number per row.</summary>
    /// <param name="body">What follows <c>forward</c>'s head, indented by two blanks.</param>
    public ModelVersion AddTorch(string body)
    {
        TorchScriptArchive.Write(ModelFile("model.pt"), $"def forward(self, INPUT0: Tensor) -> Tensor:\n{body}");
        return Configure(1);
    }

    /// <summary>A TorchScript model that ends the process which loads it, from a copy, since it returns a dict.</summary>
    /// <param name="file">The name of its file, and of the copy.</param>
    public ModelVersion AddAbortingDict(string file)
    {
        TorchScriptArchive.Write(
            ModelFile(file), "def forward(self, INPUT0: Tensor) -> Dict[str, Tensor]:\n  return {\"OUTPUT0\": torch.no_such_operator(INPUT0)}");
        return Configure(1, $"\"default_model_filename\": \"{file}\",");
    }

    /// <summary>A linear layer of as many inputs as outputs, as a TorchScript model.</summary>
    public ModelVersion AddTorchLinear(int width)
    {
        TorchScriptWriter.Write(
            ModelFile("model.pt"),
            "def forward(self, INPUT0: Tensor) -> Tensor:\n  return torch.matmul(INPUT0, self.weight)",
            [("weight", [width, width], Weights(width))]);
        return Configure(width);
    }

    /// <summary>The same as an ONNX model.</summary>
    /// <param name="width">The number of inputs and of outputs.</param>
    /// <param name="location">The file beside the model's that has the weights; null for its own.</param>
    public ModelVersion AddOnnxLinear(int width, string? location = null)
    {
        OnnxFile.Write(
            ModelFile("model.onnx"),
            [new("INPUT0", OnnxFile.Float, [-1, width])],
            [new("OUTPUT0", OnnxFile.Float, [-1, width])],
            [new("MatMul", ["INPUT0", "weight"], ["OUTPUT0"])],
            [new("weight", [width, width], location is null ? Weights(width) : [], location)]);
        if (location is not null)
            File.WriteAllBytes(ModelFile(location), MemoryMarshal.AsBytes(Weights(width).AsSpan()).ToArray());
        return Open();
    }

    /// <summary>An ONNX model that looks rows of weights up, which lie in a file beside the model's and are read where they lie.</summary>
    public ModelVersion AddOnnxTable(int width)
    {
        OnnxFile.Write(
            ModelFile("model.onnx"),
            [new("INPUT0", OnnxFile.Int64, [-1])],
            [new("OUTPUT0", OnnxFile.Float, [-1, width])],
            [new("Gather", ["weight", "INPUT0"], ["OUTPUT0"])],
            [new("weight", [width, width], [], "weights.bin")]);
        File.WriteAllBytes(ModelFile("weights.bin"), MemoryMarshal.AsBytes(Weights(width).AsSpan()).ToArray());
        return Open();
    }

    private ModelVersion Configure(int width, string more = "")
    {
        _root.Write($"{name}/config.json", $$"""
            {
              {{more}}
              "max_batch_size": 1,
              "input": [ { "name": "INPUT0", "data_type": "TYPE_FP32", "dims": [{{width}}] } ],
              "output": [ { "name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [{{width}}] } ]
            }
            """);
        return Open();
    }

    private ModelVersion Open() => ModelFolderReader.Open(ModelFolder, 1);

    private string ModelFile(string file) => Path.Combine(ModelFolder, "1", file);

    private static float[] Weights(int width) => [.. Enumerable.Range(0, width * width).Select(place => place % 7 / 8f)];
}
