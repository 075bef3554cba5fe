using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class TensorTests(SharedService service)
{
    private const string HeaderLength = "Inference-Header-Content-Length";

    private static readonly int[] Left = [.. Enumerable.Range(0, 16)];
    private static readonly int[] Right = [.. Enumerable.Range(0, 16).Select(i => 100 * i)];
    private static readonly int[] Sums = [.. Left.Zip(Right, (left, right) => left + right)];
    private static readonly int[] Differences = [.. Left.Zip(Right, (left, right) => left - right)];

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Simple_adds_and_subtracts_JSON_whatever_its_content_type(string? contentType)
    {
        var answer = await service.Api.InferJsonAsync("simple", ToJson(), contentType);

        Assert.Equal(Sums, answer.Numbers<int>("OUTPUT0"));
        Assert.Equal(Differences, answer.Numbers<int>("OUTPUT1"));
    }

    [Fact]
    public async Task Simple_adds_and_subtracts_binary_tensors()
    {
        const string Json =
            """
            {
              "parameters": { "binary_data_output": true },
              "inputs": [
                { "name": "INPUT0", "datatype": "INT32", "shape": [1, 16], "parameters": { "binary_data_size": 64 } },
                { "name": "INPUT1", "datatype": "INT32", "shape": [1, 16], "parameters": { "binary_data_size": 64 } }
              ]
            }
            """;
        var content = new ByteArrayContent([.. Encoding.UTF8.GetBytes(Json), .. ToBytes(Left), .. ToBytes(Right)]);
        content.Headers.Add(HeaderLength, Json.Length.ToString(CultureInfo.InvariantCulture));

        using var response = await service.Http.PostAsync("/v2/models/simple/infer", content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.Content.ReadAsByteArrayAsync();
        var header = int.Parse(Assert.Single(response.Headers.GetValues(HeaderLength)), CultureInfo.InvariantCulture);
        Assert.Equal([.. Sums, .. Differences], MemoryMarshal.Cast<byte, int>(body.AsSpan(header)).ToArray());
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

        var answer = await service.Api.InferJsonAsync(
            "identity",
            $$"""{ "inputs": [ { "name": "INPUT0", "datatype": "FP32", "shape": {{List(shape)}}, "data": {{List(values)}} } ] }""");

        Assert.Equal(shape, answer.Shape("OUTPUT0"));
        Assert.Equal(values, answer.Numbers<float>("OUTPUT0"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_the_limit_is_413_and_the_service_goes_on(bool chunked)
    {
        var content = new StreamContent(new MemoryStream(new byte[SharedService.MaxRequestBytes + 1]));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/identity/infer") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;

        using var response = await service.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains($"{SharedService.MaxRequestBytes}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(Sums, (await service.Api.InferJsonAsync("simple", ToJson())).Numbers<int>("OUTPUT0"));
    }

    private static string ToJson() =>
        $$"""
        {
          "inputs": [
            { "name": "INPUT0", "datatype": "INT32", "shape": [1, 16], "data": {{List(Left)}} },
            { "name": "INPUT1", "datatype": "INT32", "shape": [1, 16], "data": {{List(Right)}} }
          ]
        }
        """;

    private static byte[] ToBytes(int[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static string List<T>(IEnumerable<T> values) => $"[{string.Join(',', values)}]";
}
