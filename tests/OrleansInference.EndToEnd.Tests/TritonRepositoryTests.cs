using System.Net;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>A repository as Triton has it: TorchScript, ONNX and an ensemble of both, each with its <c>config.pbtxt</c>.</summary>
public sealed class TritonRepositoryTests
{
    [Fact]
    public async Task A_Triton_repository_is_served_as_it_is()
    {
        using var repository = new TemporaryFolder();
        AddScale(repository);
        AddNegative(repository);
        AddPipeline(repository);
        AddSequence(repository);

        await using var service = await Service.StartSiloAsync(repository.Path);

        var index = await service.Api.GetIndexAsync();
        foreach (var model in new[] { "scale", "negative", "pipeline" }) Assert.Equal(("READY", ""), index[model]);
        Assert.Equal("UNAVAILABLE", index["sequence"].State);
        Assert.Contains("config.pbtxt: sequence_batching: ", index["sequence"].Reason, StringComparison.Ordinal);

        // The highest version of two that are served; the first is not.
        Assert.Equal(new[] { 30f, 60f }, await InferAsync(service, "scale", "INPUT__0", "OUTPUT__0"));
        Assert.Equal(new[] { 20f, 40f }, await InferAsync(service, "scale/versions/2", "INPUT__0", "OUTPUT__0"));
        Assert.Equal(HttpStatusCode.NotFound, (await service.Api.GetAsync("/v2/models/scale/versions/1")).Status);
        Assert.Equal(new[] { -10f, -20f }, await InferAsync(service, "negative", "x", "y"));
        Assert.Equal(new[] { -30f, -60f }, await InferAsync(service, "pipeline", "RAW", "RESULT"));

        var config = (await service.Api.GetAsync("/v2/models/scale/config")).Json;
        Assert.Equal(8, config.GetProperty("max_batch_size").GetInt32());
        Assert.Equal("TYPE_FP32", config.GetProperty("input")[0].GetProperty("data_type").GetString());
        Assert.Equal(2, config.GetProperty("version_policy").GetProperty("latest").GetProperty("num_versions").GetInt32());
        Assert.Equal("0.5", config.GetProperty("parameters").GetProperty("THRESHOLD").GetProperty("string_value").GetString());

        // What has no effect is said in the log.
        Assert.Contains("instance_group[0].name: \"scale_cpu\" has no effect here", service.Program.Output, StringComparison.Ordinal);
    }

    private static async Task<float[]> InferAsync(Service service, string model, string input, string output)
    {
        var answer = await service.Api.InferJsonAsync(
            model, $$"""{ "inputs": [ { "name": "{{input}}", "datatype": "FP32", "shape": [1, 2], "data": [10, 20] } ] }""");
        return [.. answer.Numbers<float>(output)];
    }

    private static void AddScale(TemporaryFolder repository)
    {
        foreach (var version in new[] { 1, 2, 3 })
        {
            TorchScriptArchive.Write(Path.Combine(repository.Path, "scale", $"{version}", "model.pt"), $"""
                def forward(self, x: Tensor) -> Tensor:
                  return torch.mul(x, {version})
                """);
        }

        repository.Write("scale/config.pbtxt", """
            # Multiplies.
            name: "scale"
            platform: "pytorch_libtorch"
            max_batch_size: 8
            input [
              {
                name: "INPUT__0"
                data_type: TYPE_FP32
                dims: [ 2 ]
              }
            ]
            output [
              {
                name: "OUTPUT__0"
                data_type: TYPE_FP32
                dims: [ 2 ]
              }
            ]
            version_policy: { latest { num_versions: 2 }}
            instance_group [
              {
                name: "scale_cpu"
                count: 1
                kind: KIND_CPU
              }
            ]
            dynamic_batching {
              preferred_batch_size: [ 4, 8 ]
              max_queue_delay_microseconds: 100
            }
            optimization { graph { level: 1 } }
            parameters: {
              key: "THRESHOLD"
              value: {
                string_value: "0.5"
              }
            }
            """);
    }

    private static void AddNegative(TemporaryFolder repository)
    {
        OnnxFile.Write(
            Path.Combine(repository.Path, "negative", "1", "model.onnx"),
            [new("x", OnnxFile.Float, [-1, 2])],
            [new("y", OnnxFile.Float, [-1, 2])],
            [new("Neg", ["x"], ["y"])]);
        repository.Write("negative/config.pbtxt", """
            name: "negative"
            platform: "onnxruntime_onnx"
            backend: "onnxruntime"
            max_batch_size: 8
            input { name: "x" data_type: TYPE_FP32 format: FORMAT_NONE dims: 2 }
            output { name: "y" data_type: TYPE_FP32 dims: 2 }
            dynamic_batching { }
            """);
    }

    private static void AddPipeline(TemporaryFolder repository)
    {
        repository.Create("pipeline/1");
        repository.Write("pipeline/config.pbtxt", """
            name: "pipeline"
            platform: "ensemble"
            max_batch_size: 8
            input [ { name: "RAW" data_type: TYPE_FP32 dims: [ 2 ] } ]
            output [ { name: "RESULT" data_type: TYPE_FP32 dims: [ 2 ] } ]
            ensemble_scheduling {
              step [
                {
                  model_name: "scale"
                  model_version: -1
                  input_map { key: "INPUT__0" value: "RAW" }
                  output_map { key: "OUTPUT__0" value: "scaled" }
                },
                {
                  model_name: "negative"
                  model_version: -1
                  input_map { key: "x" value: "scaled" }
                  output_map { key: "y" value: "RESULT" }
                }
              ]
            }
            """);
    }

    private static void AddSequence(TemporaryFolder repository)
    {
        TorchScriptArchive.Write(Path.Combine(repository.Path, "sequence", "1", "model.pt"), """
            def forward(self, x: Tensor) -> Tensor:
              return x
            """);
        repository.Write("sequence/config.pbtxt", """
            platform: "pytorch_libtorch"
            max_batch_size: 8
            input { name: "INPUT__0" data_type: TYPE_FP32 dims: 2 }
            output { name: "OUTPUT__0" data_type: TYPE_FP32 dims: 2 }
            sequence_batching {
              max_sequence_idle_microseconds: 5000000
              control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] } ]
            }
            """);
    }
}
