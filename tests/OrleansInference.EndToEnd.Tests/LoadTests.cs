using System.Collections.Concurrent;
using System.Net;

using Inference;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

public sealed class LoadTests
{
    private const int Callers = 64;

    [Fact]
    public async Task A_version_is_replaced_under_64_callers_without_a_request_lost()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "swapped", "1", "0");
        await using var service = await Service.StartSiloAsync(repository.Path);
        await using var frontEnd = await Service.StartFrontEndAsync(service.Gateway);
        await frontEnd.WaitUntilReadyAsync();
        using var ended = new CancellationTokenSource();
        var answers = new ConcurrentQueue<Answer>();
        var callers = Enumerable.Range(0, Callers).Select(caller => CallAsync(caller % 2 == 0 ? service.Api : frontEnd.Api)).ToArray();

        for (var version = 2; version <= 4; version++)
        {
            TestModels.AddLinear(repository.Path, "swapped", "1", $"{version}", $"{version}");
            var number = version;
            await Poll.UntilAsync(
                async () => (await service.Api.GetVersionsAsync("swapped")).Keys.SequenceEqual([$"{number}"]) &&
                    (await frontEnd.Api.InferNumberAsync("swapped", 0)).Number == number,
                $"version {version} has taken the place of the one before");
        }

        await ended.CancelAsync();
        await Task.WhenAll(callers);
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, ""), (answer.Status, answer.Status == HttpStatusCode.OK ? "" : answer.Error)));
        Assert.Equal([0f, 2, 3, 4], answers.Select(answer => answer.Number).Distinct().Order());

        async Task CallAsync(InferenceApi api)
        {
            while (!ended.IsCancellationRequested) answers.Enqueue(await api.InferNumberAsync("swapped", 0));
        }
    }

    [Fact]
    public async Task A_new_version_that_would_abort_the_server_leaves_the_old_one_in_service_and_says_why()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddPicky(repository.Path);
        await using var service = await Service.StartSiloAsync(repository.Path);

        TestModels.AddAborting(repository.Path, "picky", version: "2");

        await Poll.UntilAsync(
            async () => (await service.Api.GetVersionsAsync("picky")).TryGetValue("2", out var entry) && entry.Reason.Contains("no_such_operator", StringComparison.Ordinal),
            "the index says why the new version cannot be loaded");
        var versions = await service.Api.GetVersionsAsync("picky");
        Assert.Equal(("READY", "UNAVAILABLE"), (versions["1"].State, versions["2"].State));
        Assert.Equal(3, (await service.Api.InferNumberAsync("picky", 3)).Number);
    }

    [Fact]
    public async Task A_model_is_uploaded_and_its_configuration_overridden_over_REST_and_both_outlive_a_restart()
    {
        using var repository = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        TestModels.AddPicky(repository.Path);
        TestModels.AddLinear(elsewhere.Path, "sent", "3");
        var file = Convert.ToBase64String(await File.ReadAllBytesAsync(Path.Combine(elsewhere.Path, "sent", "1", "model.pt")));
        var config = await File.ReadAllTextAsync(Path.Combine(elsewhere.Path, "sent", "config.json"));
        await using (var service = await Service.StartSiloAsync(repository.Path))
        {
            (await service.Api.ChangeAsync("sent", "load", ("config", config), ("file:7/model.pt", file))).AssertOk();
            Assert.Equal(12, (await service.Api.InferNumberAsync("sent", 4)).Number);
            (await service.Api.ChangeAsync("picky", "load", ("config", config))).AssertOk();
            Assert.Equal(64, (await service.Api.GetVersionsAsync("sent"))["7"].Checksum!.Length);

            var traversing = await service.Api.ChangeAsync("sent", "load", ("config", config), ("file:1/../../../evil", file));
            Assert.Equal(HttpStatusCode.BadRequest, traversing.Status);
            Assert.Contains("file:1/../../../evil", traversing.Error, StringComparison.Ordinal);
            var broken = await service.Api.ChangeAsync("sent", "load", ("config", "{\"max_batch_size\": -1}"), ("file:7/model.pt", file));
            Assert.Equal(HttpStatusCode.BadRequest, broken.Status);
            Assert.Contains("max_batch_size", broken.Error, StringComparison.Ordinal);
            Assert.Equal(12, (await service.Api.InferNumberAsync("sent", 4)).Number);
        }

        await using var second = await Service.StartSiloAsync(repository.Path);
        Assert.Equal(15, (await second.Api.InferNumberAsync("sent", 5)).Number);
    }

    [Fact]
    public async Task An_ensemble_is_unloaded_with_its_models_when_that_is_asked_for()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "one", "1");
        TestModels.AddLinear(repository.Path, "two", "2");
        TestModels.AddEnsemble(repository.Path, "both", """ "ensemble": { "members": [{ "model_name": "one" }, { "model_name": "two" }], "aggregate": "mean" } """);
        await using var service = await Service.StartSiloAsync(repository.Path);

        (await service.Api.ChangeAsync("both", "unload")).AssertOk();
        Assert.Equal(HttpStatusCode.OK, (await service.Api.InferNumberAsync("one", 1)).Status);
        (await service.Api.ChangeAsync("both", "load")).AssertOk();
        (await service.Api.ChangeAsync("both", "unload", ("unload_dependents", true))).AssertOk();

        foreach (var model in new[] { "both", "one", "two" })
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Api.InferNumberAsync(model, 1)).Status);
    }

    [Fact]
    public async Task In_an_explicit_repository_models_are_loaded_when_they_are_named_or_asked_for()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddLinear(repository.Path, "named", "1");
        TestModels.AddLinear(repository.Path, "other", "2");
        await using var service = await Service.StartSiloAsync(
            repository.Path, "--Inference:ModelControlMode=Explicit", "--Inference:LoadModels:0=named");

        Assert.Equal(1, (await service.Api.InferNumberAsync("named", 1)).Number);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Api.InferNumberAsync("other", 1)).Status);
        (await service.Api.ChangeAsync("other", "load")).AssertOk();
        Assert.Equal(2, (await service.Api.InferNumberAsync("other", 1)).Number);
    }

    [Fact]
    public async Task Models_are_added_changed_unloaded_and_loaded_again_while_the_server_runs()
    {
        using var repository = new TemporaryFolder();
        await using var service = await Service.StartSiloAsync(repository.Path, "--Inference:ModelControlMode=None");

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
