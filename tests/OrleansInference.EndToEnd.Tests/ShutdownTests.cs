using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task A_service_that_is_asked_to_end_answers_what_it_has_taken_first()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no SIGTERM on Windows.");
        using var repository = new TemporaryFolder();
        TestModels.AddSlow(repository.Path);
        await using var service = await Service.StartSiloAsync(repository.Path);
        var requests = Enumerable.Range(0, 4).Select(_ => service.Api.InferNumberAsync("slow", TestModels.Work)).ToList();
        await Poll.UntilAsync(async () => (await service.Api.GetStatsAsync("slow")).QueueDepth >= 3, "three wait behind the first");

        service.Program.Terminate();

        foreach (var answer in await Task.WhenAll(requests))
        {
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            Assert.Equal(TestModels.Work, answer.Number);
        }

        Assert.Equal(0, await service.Program.WaitAsync());
    }
}
