using System.Net;

using Inference;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class LoadTests
{
    [Fact]
    public async Task Models_are_added_changed_unloaded_and_loaded_again_while_the_server_runs()
    {
        using var repository = new TemporaryFolder();
        await using var service = await Service.StartSiloAsync(repository.Path);

        TestModels.AddPicky(repository.Path);
        Assert.Equal(HttpStatusCode.NotFound, (await service.Api.InferNumberAsync("picky", 1)).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.Api.ChangeAsync("picky", "load")).Status);
        Assert.Equal(1, (await service.Api.InferNumberAsync("picky", 1)).Number);

        Assert.Equal(HttpStatusCode.OK, (await service.Api.ChangeAsync("picky", "unload")).Status);
        var refused = await service.Api.InferNumberAsync("picky", 1);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Contains("unloaded", refused.Error, StringComparison.Ordinal);

        // An archive that would abort the server is found out by the process that verifies it.
        TestModels.AddAborting(repository.Path, "picky");
        var failed = await service.Api.ChangeAsync("picky", "load");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.Status);
        Assert.Contains("no_such_operator", failed.Error, StringComparison.Ordinal);

        TestModels.AddPicky(repository.Path);
        await new GRPCInferenceService.GRPCInferenceServiceClient(service.Grpc).RepositoryModelLoadAsync(new() { ModelName = "picky" });
        Assert.Equal(2, (await service.Api.InferNumberAsync("picky", 2)).Number);
        Assert.Equal(HttpStatusCode.NotFound, (await service.Api.ChangeAsync("nothing", "load")).Status);
    }

    [Fact]
    public async Task A_change_that_cannot_be_loaded_leaves_what_was_there_in_service()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddPicky(repository.Path);
        await using var service = await Service.StartSiloAsync(repository.Path);

        TestModels.AddAborting(repository.Path, "picky");
        var failed = await service.Api.ChangeAsync("picky", "load");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.Status);
        Assert.Equal(3, (await service.Api.InferNumberAsync("picky", 3)).Number);
        var (state, reason) = (await service.Api.GetIndexAsync())["picky"];
        Assert.Equal("READY", state);
        Assert.Contains("no_such_operator", reason, StringComparison.Ordinal);
    }
}
