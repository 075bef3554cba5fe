using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>The silo without REST, and the front end as a process of its own.</summary>
public sealed class TwoProgramTests
{
    [Fact]
    public async Task A_front_end_that_starts_first_lives_at_once_becomes_ready_with_the_silo_and_outlives_it()
    {
        var ports = FreePort.Take(2);
        await using var frontEnd = await Service.StartFrontEndAsync(gateway: ports[1]);
        Assert.Equal(HttpStatusCode.OK, (await frontEnd.Api.GetAsync("/v2/health/live")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await frontEnd.Api.GetAsync("/v2/health/ready")).Status);

        using var silo = ChildProgram.Start(ProgramFiles.Silo, [.. Service.SiloArguments(ports[0], ports[1]), "--Inference:FrontDoor:Enabled=false"]);

        await frontEnd.WaitUntilReadyAsync();
        Assert.Equal(["5"], (await frontEnd.Api.InferPictureAsync(Samples.Picture(5))).Strings("label"));
        await AssertSampleClientServedAsync(gateway: ports[1]);
        await silo.StopAsync();
        Assert.Equal(HttpStatusCode.OK, (await frontEnd.Api.GetAsync("/v2/health/live")).Status);
    }

    [Fact]
    public void Programs_that_run_no_models_carry_no_libtorch()
    {
        foreach (var program in new[] { ProgramFiles.FrontEnd, ProgramFiles.SampleClient })
        {
            var files = Directory.EnumerateFiles(Path.GetDirectoryName(program)!, "*", SearchOption.AllDirectories).Select(Path.GetFileName).ToList();

            Assert.NotEmpty(files);
            Assert.DoesNotContain(files, file => file!.Contains("torch", StringComparison.OrdinalIgnoreCase));
        }
    }

    private static async Task AssertSampleClientServedAsync(int gateway)
    {
        using var client = ChildProgram.Start(
            ProgramFiles.SampleClient, $"--Orleans:Clustering:Gateways:0=127.0.0.1:{gateway}", $"--picture={Samples.PictureFile(4)}");

        Assert.True(await client.WaitAsync() == 0, client.Describe());
        Assert.Contains("sum: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", client.Output, StringComparison.Ordinal);
        Assert.Contains("difference: -1 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14", client.Output, StringComparison.Ordinal);
        Assert.Contains("label: 4", client.Output, StringComparison.Ordinal);
    }
}
