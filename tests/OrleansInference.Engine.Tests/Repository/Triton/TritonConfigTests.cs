using System.Text.Json;

using OrleansInference.Engine.Repository.Triton;

namespace OrleansInference.Engine.Tests.Repository.Triton;

public sealed class TritonConfigTests
{
    [Fact]
    public void A_configuration_becomes_the_JSON_that_it_stands_for() => AssertJson(
        """
        # What a Triton user may have.
        name: "detector"
        platform: 'onnxruntime_onnx'
        max_batch_size: 0x10
        input [
          { name: "images" data_type: TYPE_FP32 format: FORMAT_NCHW dims: [ 3, -1, -1 ] }
        ]
        output { name: "boxes", data_type: 11, dims: 100, dims: 4; label_filename: "labels" ".txt" }
        version_policy: { latest { num_versions: 2 }}
        instance_group [{ kind: KIND_CPU count: 1 }]
        dynamic_batching { preserve_ordering: t priority_queue_policy { key: 2 value { timeout_action: DELAY } } }
        parameters: { key: "X" value: { string_value: "y" } }
        parameters { key: "empty" }
        model_warmup [ { name: "zeros" batch_size: 1 inputs { key: "images" value { data_type: TYPE_FP32 dims: [ 3, 010, 8 ] zero_data: true } } } ]
        optimization { graph { level: 1 } }
        """,
        """
        {
          "name": "detector", "platform": "onnxruntime_onnx", "max_batch_size": 16,
          "input": [ { "name": "images", "data_type": "TYPE_FP32", "format": "FORMAT_NCHW", "dims": [3, -1, -1] } ],
          "output": [ { "name": "boxes", "data_type": "TYPE_FP32", "dims": [100, 4], "label_filename": "labels.txt" } ],
          "version_policy": { "latest": { "num_versions": 2 } },
          "instance_group": [ { "kind": "KIND_CPU", "count": 1 } ],
          "dynamic_batching": { "preserve_ordering": true, "priority_queue_policy": { "2": { "timeout_action": "DELAY" } } },
          "parameters": { "X": { "string_value": "y" }, "empty": {} },
          "model_warmup": [ { "name": "zeros", "batch_size": 1, "inputs": { "images": { "data_type": "TYPE_FP32", "dims": [3, 8, 8], "zero_data": true } } } ],
          "optimization": { "graph": { "level": 1 } }
        }
        """);

    [Fact]
    public void A_pipeline_becomes_the_JSON_that_it_stands_for() => AssertJson(
        """
        platform: "ensemble"
        ensemble_scheduling {
          step [
            { model_name: "a" model_version: -1 input_map { key: "x" value: "IN" } output_map: { key: "y", value: "mid" } },
            { model_name: "b" model_version: -1 input_map [ { key: "p" value: "mid" }, { key: "q" value: "IN" } ] output_map { key: "r" value: "OUT" } }
          ]
        }
        """,
        """
        {
          "platform": "ensemble",
          "ensemble_scheduling": { "step": [
            { "model_name": "a", "model_version": -1, "input_map": { "x": "IN" }, "output_map": { "y": "mid" } },
            { "model_name": "b", "model_version": -1, "input_map": { "p": "mid", "q": "IN" }, "output_map": { "r": "OUT" } }
          ] }
        }
        """);

    [Theory]
    [InlineData("max_batch_size: 9223372036854775807", "{\"max_batch_size\":9223372036854775807}")]
    [InlineData("max_batch_size: -9223372036854775808", "{\"max_batch_size\":-9223372036854775808}")]
    [InlineData("max_batch_size: 18446744073709551615", "{\"max_batch_size\":18446744073709551615}")]
    [InlineData("max_batch_size: -0x10", "{\"max_batch_size\":-16}")]
    [InlineData("model_transaction_policy { decoupled: 1 }", "{\"model_transaction_policy\":{\"decoupled\":true}}")]
    [InlineData("model_transaction_policy { decoupled: False }", "{\"model_transaction_policy\":{\"decoupled\":false}}")]
    [InlineData("model_metrics { x { buckets: [ 1.5f, 2, nan ] } y: a y: b z: t }", "{\"model_metrics\":{\"x\":{\"buckets\":[1.5,2,\"nan\"]},\"y\":[\"a\",\"b\"],\"z\":true}}")]
    [InlineData("", "{}")]
    public void Scalars_get_the_types_of_their_fields(string text, string json) => Assert.Equal(json, TritonConfig.Parse(text).GetRawText());

    [Theory]
    [InlineData("max_batch_size: 8\nmax_batch: 4", "config.pbtxt:2:1: 'max_batch' is no field of this message, which has name, platform, ")]
    [InlineData("input { dim: 1 }", "config.pbtxt:1:9: 'dim' is no field of this message, which has name, data_type, ")]
    [InlineData("max_batch_size: 8 max_batch_size: 8", "config.pbtxt:1:19: 'max_batch_size' is there twice, and is no list")]
    [InlineData("max_batch_size: [8]", "config.pbtxt:1:1: 'max_batch_size' is no list")]
    [InlineData("max_batch_size: 1.5", "config.pbtxt:1:17: '1.5' is not an integer")]
    [InlineData("max_batch_size: 09", "config.pbtxt:1:17: '09' is not an integer")]
    [InlineData("max_batch_size: 18446744073709551616", "config.pbtxt:1:17: '18446744073709551616' is not an integer")]
    [InlineData("max_batch_size: -9223372036854775809", "config.pbtxt:1:17: '-9223372036854775809' is not an integer")]
    [InlineData("max_batch_size: '8'", "config.pbtxt:1:17: '8' is not an integer")]
    [InlineData("name: detector", "config.pbtxt:1:7: 'detector' is not a string in quotes")]
    [InlineData("name { }", "config.pbtxt:1:6: a message is not a string in quotes")]
    [InlineData("dynamic_batching: true", "config.pbtxt:1:19: 'true' is not a message in braces")]
    [InlineData("input { data_type: TYPE_FLOAT }", "config.pbtxt:1:20: 'TYPE_FLOAT' is not one of TYPE_INVALID, TYPE_BOOL, ")]
    [InlineData("input { data_type: 15 }", "config.pbtxt:1:20: '15' is not one of TYPE_INVALID, TYPE_BOOL, ")]
    [InlineData("model_transaction_policy { decoupled: 2 }", "config.pbtxt:1:39: '2' is not true or false")]
    [InlineData("metric_tags { key: 'a' value: '1' }\nmetric_tags { key: 'a' value: '2' }", "config.pbtxt:2:13: the key 'a' is there twice")]
    [InlineData("metric_tags { a: '1' }", "config.pbtxt:1:15: 'a' is no field of this message, which has key, value")]
    [InlineData("name: 'x", "config.pbtxt:1:7: the string has no end on its line")]
    public void A_mistake_is_named_with_line_and_column(string text, string expected)
    {
        var exception = Assert.Throws<InferenceException>(() => TritonConfig.Parse(text));

        Assert.Equal(InferenceError.NotReady, exception.Error);
        Assert.StartsWith(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_of_type_are_named_at_once()
    {
        var exception = Assert.Throws<InferenceException>(() => TritonConfig.Parse("max_batch_size: a\nname: 1"));

        Assert.Equal("config.pbtxt:1:17: 'a' is not an integer; config.pbtxt:2:7: '1' is not a string in quotes", exception.Message);
    }

    [Fact]
    public void A_file_may_be_as_long_as_the_limit_and_no_longer()
    {
        using var folder = new TemporaryFolder();
        var start = "max_batch_size: 8 #";

        var longest = folder.Write(TritonConfig.FileName, start.PadRight(TritonConfig.MaxLength, '.'));
        Assert.Equal(8, TritonConfig.Read(longest).GetProperty("max_batch_size").GetInt32());

        var longer = folder.Write(TritonConfig.FileName, start.PadRight(TritonConfig.MaxLength + 1, '.'));
        Assert.Equal($"config.pbtxt: is longer than {TritonConfig.MaxLength} bytes", Assert.Throws<InferenceException>(() => TritonConfig.Read(longer)).Message);
    }

    [Fact]
    public void A_file_that_is_no_text_is_refused()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(TritonConfig.FileName, "");
        File.WriteAllBytes(file, [0xC3, 0x28]);

        Assert.Equal("config.pbtxt: is not UTF-8", Assert.Throws<InferenceException>(() => TritonConfig.Read(file)).Message);
    }

    private static void AssertJson(string text, string json)
    {
        using var expected = JsonDocument.Parse(json);
        Assert.Equal(JsonSerializer.Serialize(expected.RootElement), TritonConfig.Parse(text).GetRawText());
    }
}
