using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class BrokenModelTests
{
    [Fact]
    public async Task Broken_models_are_listed_with_their_reasons_and_their_neighbours_serve()
    {
        using var repository = new TemporaryFolder();
        TestModels.AddPicky(repository.Path);
        TestModels.AddAborting(repository.Path, "aborting");
        TestModels.AddFile(repository.Path, "empty", []);
        TestModels.AddFile(repository.Path, "garbage", [.. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 31 + i / 7))]);
        var archive = File.ReadAllBytes(Samples.DigitsModel);
        TestModels.AddFile(repository.Path, "truncated", archive[..(archive.Length / 2)]);
        TestModels.AddConfigured(
            repository.Path,
            "misconfigured",
            """
            {
              "max_batch_size": -7,
              "input": [ { "name": "INPUT0", "data_type": "TYPE_FLOAT", "dims": [1] } ],
              "output": [ { "name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [1] } ]
            }
            """);
        // What a reason must say at least.
        Dictionary<string, string[]> broken = new()
        {
            ["aborting"] = ["no_such_operator"],
            ["empty"] = ["model.pt", "zip archive"],
            ["garbage"] = ["model.pt", "zip archive"],
            ["truncated"] = ["model.pt", "zip archive"],
            ["misconfigured"] = ["max_batch_size", "-7", "input[0].data_type", "TYPE_FLOAT"],
        };

        await using var service = await Service.StartSiloAsync(repository.Path);

        var index = await service.Api.GetIndexAsync();
        foreach (var (model, words) in broken)
        {
            Assert.Equal("UNAVAILABLE", index[model].State);
            var answer = await service.Api.InferNumberAsync(model, 1);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
            foreach (var word in words)
            {
                Assert.Contains(word, index[model].Reason, StringComparison.Ordinal);
                Assert.Contains(word, answer.Error, StringComparison.Ordinal);
            }
        }

        foreach (var model in new[] { "digits", "identity", "picky", "simple" }) Assert.Equal(("READY", ""), index[model]);
        Assert.Equal(5, (await service.Api.InferNumberAsync("picky", 5)).Number);
        Assert.Equal(["3"], (await service.Api.InferPictureAsync(Samples.Picture(3))).Strings("label"));
        Assert.False(service.Program.HasExited);
    }
}
