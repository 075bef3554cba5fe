using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class QuarantineTests
{
    [Fact]
    public async Task A_model_that_ends_the_process_does_not_end_the_next_one_and_its_neighbours_serve()
    {
        using var root = new TemporaryFolder();
        var repository = root.Create("models");
        var data = $"--Inference:Data={Path.Combine(root.Path, "data")}";
        TestModels.AddDividing(repository);
        TestModels.AddPicky(repository);
        await using (var service = await Service.StartSiloAsync(repository, data))
        {
            Assert.Equal("READY", (await service.Api.GetIndexAsync())["dividing"].State);

            await Assert.ThrowsAnyAsync<HttpRequestException>(() => service.Api.InferNumberAsync("dividing", TestModels.Deadly));

            Assert.NotEqual(0, await service.Program.WaitAsync());
        }

        await using (var service = await Service.StartSiloAsync(repository, data))
        {
            var (state, reason) = (await service.Api.GetIndexAsync())["dividing"];
            Assert.Equal("UNAVAILABLE", state);
            Assert.Contains("in quarantine: the process has ended once with it", reason, StringComparison.Ordinal);
            Assert.Contains("while it ran for the first time", reason, StringComparison.Ordinal);
            Assert.Contains("in quarantine", (await service.Api.InferNumberAsync("dividing", TestModels.Deadly)).Error, StringComparison.Ordinal);
            Assert.Equal(5, (await service.Api.InferNumberAsync("picky", 5)).Number);
            Assert.Contains("dividing", service.Program.Output, StringComparison.Ordinal);
        }

        // Another file is another model.
        TestModels.AddLinear(repository, "dividing", "2");
        await using (var service = await Service.StartSiloAsync(repository, data))
            Assert.Equal(10, (await service.Api.InferNumberAsync("dividing", 5)).Number);
    }
}
