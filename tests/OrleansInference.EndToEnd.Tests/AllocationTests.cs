using System.Net;
using System.Text;

using OrleansInference.Benchmarks.Micro.Pieces;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class AllocationTests(SharedService shared)
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

    [Fact]
    public async Task A_small_binary_request_allocates_no_more_than_its_budget()
    {
        const int Requests = 2000;
        // What is hot is compiled for good meanwhile.
        await EchoManyAsync(2 * Requests);
        await using var meter = new AllocationMeter(shared.Program.Id);

        var before = await meter.ReadAsync();
        await EchoManyAsync(Requests);
        var perRequest = (await meter.ReadAsync() - before) / Requests;

        Assert.InRange(perRequest, 1, AllocationBudgets.BinaryIdentityOverHttp);
    }

    private Task EchoManyAsync(int requests) => Parallel.ForAsync(
        0, requests, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) => await EchoAsync(shared.Silo, elements: 1));

    private static async Task EchoAsync(Service service, int elements = Elements)
    {
        var payload = elements * sizeof(float);
        var json = Encoding.UTF8.GetBytes(
            $$$"""
            {"inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [{{{elements}}}], "parameters": { "binary_data_size": {{{payload}}}}}],
             "outputs": [{"name": "OUTPUT0", "parameters": {"binary_data": true}}]}
            """);
        using var content = new ByteArrayContent([.. json, .. new byte[payload]]);
        content.Headers.Add("Inference-Header-Content-Length", $"{json.Length}");

        using var response = await service.Http.PostAsync("/v2/models/identity/infer", content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.InRange((await response.Content.ReadAsByteArrayAsync()).Length, payload, payload + 1024);
    }
}
