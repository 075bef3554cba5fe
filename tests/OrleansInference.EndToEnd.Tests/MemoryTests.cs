using System.Net;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class MemoryTests(SharedService service)
{
    [Fact]
    public async Task Requests_that_have_been_answered_leave_no_memory_behind()
    {
        const int Size = 512 * 1024;
        const int Requests = 1000;
        const long Allowed = 100L * 1024 * 1024;
        // What the first requests make the process hold, it holds for good.
        await SendAsync(Requests / 4, Size);
        var before = service.Program.PeakMemory;

        await SendAsync(Requests, Size);

        Assert.InRange(service.Program.PeakMemory - before, 0, Allowed);
    }

    /// <summary>Sends raw tensors, a few at a time, and broken ones between them.</summary>
    private Task SendAsync(int count, int size) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (number, _) =>
    {
        var broken = number % 10 == 0;
        var answer = await service.Api.InferBinaryAsync("identity", "", new byte[broken ? size + 1 : size]);
        Assert.Equal(broken ? HttpStatusCode.BadRequest : HttpStatusCode.OK, answer.Status);
    });
}
