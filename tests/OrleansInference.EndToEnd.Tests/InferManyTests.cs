using System.Net.Sockets;
using System.Text;
using System.Text.Json;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>Many requests in one call, over the connections that callers really have.</summary>
public sealed class InferManyTests(SharedService shared)
{
    [Fact]
    public async Task Ten_thousand_requests_are_answered_in_order_in_bounded_memory()
    {
        const long Allowed = 100L * 1024 * 1024;
        const int Elements = 5000;
        // What the first requests make the process hold, it holds for good.
        await EchoAsync(shared.Silo, 1000, Elements);
        var before = shared.Program.PeakMemory;

        var sent = await EchoAsync(shared.Silo, 10_000, Elements);

        Assert.InRange(sent, 2 * Allowed, long.MaxValue);
        Assert.InRange(shared.Program.PeakMemory - before, 0, Allowed);
    }

    [Fact]
    public async Task Both_programs_answer_many_requests_alike()
    {
        foreach (var service in new[] { shared.Silo, shared.FrontEnd }) await EchoAsync(service, 1000, elements: 3);
    }

    [Fact]
    public async Task A_result_arrives_before_the_next_request_is_sent()
    {
        using var call = await ManyCall.OpenAsync(shared.Silo, "identity");
        for (var index = 0; index < 3; index++)
        {
            await call.SendAsync(Request(index, 1));
            AssertEcho(index, 1, await call.ReadAsync());
        }

        await call.EndAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task It_does_so_over_HTTP_1_too()
    {
        var address = shared.Http.BaseAddress!;
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port);
        var stream = connection.GetStream();
        using var answer = new StreamReader(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v2/models/identity/infer_many HTTP/1.1\r\nHost: {address.Authority}\r\nTransfer-Encoding: chunked\r\n\r\n"));

        for (var index = 0; index < 3; index++)
        {
            var line = Request(index, 1) + "\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{line.Length:x}\r\n{line}\r\n"));
            AssertEcho(index, 1, JsonElement.Parse(await ReadLineAsync(answer, $"{{\"index\":{index},")));
        }

        await stream.WriteAsync("0\r\n\r\n"u8.ToArray());
        await ReadLineAsync(answer, "0");
    }

    [Fact]
    public async Task A_dropped_connection_takes_what_waits_out_of_the_queue_and_no_more_is_run()
    {
        const int Requests = 400;
        const int Work = (int)TestModels.Work / 100;
        var before = await shared.Api.GetStatsAsync("slow");
        using (var call = await ManyCall.OpenAsync(shared.Silo, "slow"))
        {
            for (var index = 0; index < Requests; index++) await call.SendAsync(Request(Work, 1, shape: "[1,1]"));
            Assert.Equal(200, (await call.ReadAsync())?.GetProperty("status").GetInt32());
        }

        await Poll.UntilAsync(async () => (await shared.Api.GetStatsAsync("slow")).QueueDepth == 0, "nothing waits any more");

        Assert.InRange((await shared.Api.GetStatsAsync("slow")).Rows - before.Rows, 1, Requests / 2);
    }

    /// <summary>Sends requests and reads the answers meanwhile.</summary>
    /// <returns>The bytes sent.</returns>
    private static async Task<long> EchoAsync(Service service, int requests, int elements)
    {
        using var call = await ManyCall.OpenAsync(service, "identity");
        var sending = SendAllAsync();
        for (var index = 0; index < requests; index++) AssertEcho(index, elements, await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
        return await sending;

        async Task<long> SendAllAsync()
        {
            var sent = 0L;
            for (var index = 0; index < requests; index++)
            {
                var request = Request(index, elements);
                sent += request.Length;
                await call.SendAsync(request);
            }

            await call.EndAsync();
            return sent;
        }
    }

    private static string Request(int first, int elements, string? shape = null) =>
        $$"""{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":{{shape ?? $"[{elements}]"}},"data":[{{first}}{{new StringBuilder().Insert(0, ",1.25", elements - 1)}}]}]}""";

    private static void AssertEcho(int index, int elements, JsonElement? line)
    {
        Assert.NotNull(line);
        Assert.Equal(index, line.Value.GetProperty("index").GetInt64());
        Assert.True(line.Value.GetProperty("status").GetInt32() == 200, line.ToString());
        var data = line.Value.GetProperty("response").GetProperty("outputs")[0].GetProperty("data");
        Assert.Equal(elements, data.GetArrayLength());
        Assert.Equal(index, data[0].GetSingle());
    }

    private static async Task<string> ReadLineAsync(StreamReader answer, string start)
    {
        while (await answer.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(start, StringComparison.Ordinal)) return line;
        }

        throw new EndOfStreamException($"There is no line that begins with {start}.");
    }
}
