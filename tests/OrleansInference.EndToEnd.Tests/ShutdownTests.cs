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

    [Fact]
    public async Task A_silo_that_is_asked_to_end_finishes_the_streams_that_come_through_a_front_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no SIGTERM on Windows.");
        const int Length = 1000;
        var ports = FreePort.Take(2);
        await using var frontEnd = await Service.StartFrontEndAsync(gateway: ports[1]);
        using var silo = ChildProgram.Start(ProgramFiles.Silo, [.. Service.SiloArguments(ports[0], ports[1]), "--Inference:FrontDoor:Enabled=false"]);
        await frontEnd.WaitUntilReadyAsync();
        var streams = Enumerable.Range(0, 20).Select(_ => StreamTests.ReadEventsAsync(frontEnd.Http, $$"""{"FROM": {{Length}}}""")).ToList();
        await Poll.UntilAsync(async () => (await frontEnd.Api.GetStatsAsync("countdown")).Rows >= 20, "all have begun");

        silo.Terminate();

        foreach (var events in await Task.WhenAll(streams)) Assert.Equal(Length, events.Count);
        Assert.Equal(0, await silo.WaitAsync());
    }
}
