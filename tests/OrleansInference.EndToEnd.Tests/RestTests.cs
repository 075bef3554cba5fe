using System.Runtime.InteropServices;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>The protocol over REST, as each program serves it.</summary>
public abstract class RestTests
{
    private static readonly int[] Left = [.. Enumerable.Range(0, 16)];
    private static readonly int[] Right = [.. Enumerable.Range(0, 16).Select(i => 100 * i)];
    private static readonly int[] Sums = [.. Left.Zip(Right, (left, right) => left + right)];
    private static readonly int[] Differences = [.. Left.Zip(Right, (left, right) => left - right)];

    private readonly InferenceApi _api;

    private protected RestTests(Service service) => _api = service.Api;

    [Fact]
    public async Task The_server_says_what_it_is_and_that_it_is_ready()
    {
        var metadata = (await _api.GetAsync("/v2")).Json;

        Assert.Equal("orleans-inference", metadata.GetProperty("name").GetString());
        Assert.Contains("binary_tensor_data", metadata.GetProperty("extensions").EnumerateArray().Select(extension => extension.GetString()));
        foreach (var path in new[] { "/v2/health/live", "/v2/health/ready", "/v2/models/simple/ready" })
        {
            var answer = await _api.GetAsync(path);
            answer.AssertOk();
            Assert.Empty(answer.Body);
        }
    }

    [Theory]
    [InlineData("/v2/models/simple")]
    [InlineData("/v2/models/simple/versions/1")]
    public async Task A_model_tells_its_tensors_configuration_and_statistics(string path)
    {
        var metadata = (await _api.GetAsync(path)).Json;
        var config = (await _api.GetAsync($"{path}/config")).Json;
        var statistics = (await _api.GetAsync($"{path}/stats")).Json.GetProperty("model_stats");

        Assert.Equal(("simple", "pytorch_libtorch"), (metadata.GetProperty("name").GetString(), metadata.GetProperty("platform").GetString()));
        Assert.Equal("[\"1\"]", metadata.GetProperty("versions").GetRawText());
        Assert.Equal("""{"name":"INPUT0","datatype":"INT32","shape":[-1,16]}""", metadata.GetProperty("inputs")[0].GetRawText());
        Assert.Equal("""{"name":"OUTPUT1","datatype":"INT32","shape":[-1,16]}""", metadata.GetProperty("outputs")[1].GetRawText());
        Assert.Equal(8, config.GetProperty("max_batch_size").GetInt32());
        Assert.Equal("simple", Assert.Single(statistics.EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Statistics_of_all_models_and_the_index_list_every_one_of_them()
    {
        string[] bundled = ["digits", "identity", "simple"];
        var statistics = (await _api.GetAsync("/v2/models/stats")).Json.GetProperty("model_stats").EnumerateArray();
        var index = await _api.GetIndexAsync();

        Assert.Superset(bundled.ToHashSet(), statistics.Select(model => model.GetProperty("name").GetString()!).ToHashSet());
        foreach (var model in bundled) Assert.Equal(("READY", ""), index[model]);
    }

    [Fact]
    public async Task Settings_of_logs_and_traces_can_be_read()
    {
        Assert.True((await _api.GetAsync("/v2/logging")).Json.GetProperty("log_error").GetBoolean());
        Assert.Equal("[\"OFF\"]", (await _api.GetAsync("/v2/models/simple/trace/setting")).Json.GetProperty("trace_level").GetRawText());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Simple_adds_and_subtracts_JSON_whatever_its_content_type(string? contentType)
    {
        var answer = await _api.InferJsonAsync("simple", ToJson(), contentType);

        Assert.Equal(Sums, answer.Numbers<int>("OUTPUT0"));
        Assert.Equal(Differences, answer.Numbers<int>("OUTPUT1"));
        Assert.Equal("r-1", answer.Json.GetProperty("id").GetString());
        Assert.Equal("1", answer.Json.GetProperty("model_version").GetString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Simple_adds_and_subtracts_binary_tensors_without_a_content_type_however_compressed(string? encoding)
    {
        var answer = await _api.InferBinaryAsync("simple", ToAnnouncement(binaryOutput: true), [.. ToBytes(Left), .. ToBytes(Right)], encoding);

        Assert.Equal([.. Sums, .. Differences], answer.Blobs<int>());
        Assert.Equal("application/octet-stream", answer.Headers["Content-Type"]);
    }

    [Fact]
    public async Task Binary_tensors_are_answered_in_JSON_where_nobody_asks_for_bytes()
    {
        var answer = await _api.InferBinaryAsync("simple", ToAnnouncement(binaryOutput: false), [.. ToBytes(Left), .. ToBytes(Right)]);

        Assert.Equal(Sums, answer.Numbers<int>("OUTPUT0"));
        Assert.Equal(Differences, answer.Numbers<int>("OUTPUT1"));
        Assert.False(answer.Headers.ContainsKey(Answer.HeaderLength));
    }

    [Fact]
    public async Task A_raw_tensor_is_answered_with_bytes()
    {
        float[] values = [1.5f, float.NaN, -3];

        var answer = await _api.InferBinaryAsync("identity", "", MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

        Assert.Equal(values, answer.Blobs<float>());
    }

    [Theory]
    [InlineData(16 * 1024)]
    [InlineData(16 * 1024 + 1)]
    [InlineData(50_000)]
    [InlineData(200_001)]
    public async Task Large_tensors_are_answered_to_the_last_byte_on_a_connection_that_stays_open(int count)
    {
        var values = Enumerable.Range(0, count).Select(number => (float)number).ToArray();

        var answer = await _api.InferBinaryAsync("identity", "", MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

        Assert.Equal(values, answer.Blobs<float>());
    }

    [Theory]
    [InlineData(new long[] { 1 })]
    [InlineData(new long[] { 24 })]
    [InlineData(new long[] { 2, 3, 4 })]
    [InlineData(new long[] { 1, 1, 2, 1, 2, 3 })]
    [InlineData(new long[] { 3, 0, 2 })]
    [InlineData(new long[] { })]
    public async Task Identity_keeps_any_shape(long[] shape)
    {
        float[] values = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (count, dimension) => count * dimension)).Select(i => i - 0.5f)];

        var answer = await _api.InferJsonAsync(
            "identity",
            $$"""{ "inputs": [ { "name": "INPUT0", "datatype": "FP32", "shape": {{List(shape)}}, "data": {{List(values)}} } ] }""");

        Assert.Equal(shape, answer.Shape("OUTPUT0"));
        Assert.Equal(values, answer.Numbers<float>("OUTPUT0"));
    }

    [Fact]
    public async Task Numbers_that_JSON_does_not_know_go_through_the_network()
    {
        var answer = await _api.InferJsonAsync(
            "identity", """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[3],"data":[NaN,Infinity,-Infinity]}]}""");

        answer.AssertOk();
        Assert.Contains("\"data\":[NaN,Infinity,-Infinity]", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_answer_is_compressed_where_that_is_accepted()
    {
        var content = new ByteArrayContent(new byte[40_000]);
        content.Headers.Add(Answer.HeaderLength, "0");

        var answer = await _api.SendAsync(HttpMethod.Post, "/v2/models/identity/infer", content, acceptEncoding: "gzip");

        Assert.Equal("gzip", answer.Headers["Content-Encoding"]);
        Assert.InRange(answer.Body.Length, 1, 10_000);
    }

    [Fact]
    public async Task A_picture_is_answered_with_its_label_as_text_as_bytes_and_as_the_best_class()
    {
        const string Json =
            """
            {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1, 1], "parameters": {"binary_data_size": *}}],
             "outputs": [{"name": "scores", "parameters": {"classification": 2}}, {"name": "label", "parameters": {"binary_data": true}}]}
            """;
        var picture = Samples.Picture(3);
        var size = BitConverter.GetBytes(picture.Length);

        var named = await _api.InferPictureAsync(picture);
        var ranked = await _api.InferBinaryAsync("digits", Json.Replace("*", $"{picture.Length + 4}", StringComparison.Ordinal), [.. size, .. picture]);

        Assert.Equal(["3"], named.Strings("label"));
        Assert.Equal([1, 2], ranked.Shape("scores"));
        Assert.Matches("^0[.][0-9]{6}:3:3$", ranked.Strings("scores")[0]);
        Assert.Equal([1, 0, 0, 0, (byte)'3'], ranked.Blobs<byte>());
    }

    private static string ToJson() =>
        $$"""
        {
          "id": "r-1",
          "inputs": [
            { "name": "INPUT0", "datatype": "INT32", "shape": [1, 16], "data": {{List(Left)}} },
            { "name": "INPUT1", "datatype": "INT32", "shape": [1, 16], "data": {{List(Right)}} }
          ]
        }
        """;

    private static string ToAnnouncement(bool binaryOutput) =>
        $$"""
        {
          "parameters": { "binary_data_output": {{(binaryOutput ? "true" : "false")}} },
          "inputs": [
            { "name": "INPUT0", "datatype": "INT32", "shape": [1, 16], "parameters": { "binary_data_size": 64 } },
            { "name": "INPUT1", "datatype": "INT32", "shape": [1, 16], "parameters": { "binary_data_size": 64 } }
          ]
        }
        """;

    private static byte[] ToBytes(int[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static string List<T>(IEnumerable<T> values) => $"[{string.Join(',', values)}]";
}

public sealed class SiloRestTests(SharedService service) : RestTests(service.Silo);

public sealed class FrontEndRestTests(SharedService service) : RestTests(service.FrontEnd);
