using System.Net;
using System.Text;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class AllocationTests
{
    private const int Elements = 4 * 1024 * 1024;

    private const int Payload = Elements * sizeof(float);

    [Fact]
    public async Task A_large_binary_tensor_and_its_answer_allocate_no_more_than_three_times_their_size()
    {
        const int Requests = 10;
        await using var service = await Service.StartSiloAsync();
        // The server's buffers grow with the first requests, and are used again.
        for (var i = 0; i < 3; i++) await EchoAsync(service);
        await using var meter = new AllocationMeter(service.Program.Id);

        var before = await meter.ReadAsync();
        for (var i = 0; i < Requests; i++) await EchoAsync(service);
        var perRequest = (await meter.ReadAsync() - before) / Requests;

        // One copy of the input and one of the output are the least there can be.
        Assert.InRange((double)perRequest / Payload, 1.9, 3.0);
    }

    private static async Task EchoAsync(Service service)
    {
        var json = Encoding.UTF8.GetBytes(
            $$$"""
            {"inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [{{{Elements}}}], "parameters": { "binary_data_size": {{{Payload}}}}}],
             "outputs": [{"name": "OUTPUT0", "parameters": {"binary_data": true}}]}
            """);
        using var content = new ByteArrayContent([.. json, .. new byte[Payload]]);
        content.Headers.Add("Inference-Header-Content-Length", $"{json.Length}");

        using var response = await service.Http.PostAsync("/v2/models/identity/infer", content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.InRange((await response.Content.ReadAsByteArrayAsync()).Length, Payload, Payload + 1024);
    }
}
