using System.Net;
using System.Text.RegularExpressions;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class BrokenModelTests
{
    [Fact]
    public async Task Broken_models_are_listed_with_their_reasons_and_their_neighbours_serve()
    {
        using var repository = new TemporaryFolder();
        using var outside = new TemporaryFolder();
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
        TestModels.AddFolder(repository.Path, "zero", "0");
        TestModels.AddFolder(repository.Path, "leading", "01");
        TestModels.AddFolder(repository.Path, "named", "latest");
        TestModels.AddFolder(repository.Path, "negative", "-1");
        TestModels.AddFolder(repository.Path, "wrong_extension", "1", "model.pth");
        TestModels.AddFile(repository.Path, "wrong_format", [0x08, 0x07, 0x12, 0x04, .. "onnx"u8]);
        TestModels.AddPicky(outside.Path);
        Directory.CreateSymbolicLink(Path.Combine(repository.Path, "linked"), Path.Combine(outside.Path, "picky"));
        TestModels.AddConfigured(repository.Path, "identity", "{}");
        // What a reason must say at least.
        Dictionary<string, string[]> broken = new()
        {
            ["aborting"] = ["no_such_operator"],
            ["empty"] = ["model.pt", "zip archive"],
            ["garbage"] = ["model.pt", "zip archive"],
            ["truncated"] = ["model.pt", "zip archive"],
            ["zero"] = ["no version", "'0'"],
            ["leading"] = ["no version", "'01'"],
            ["named"] = ["no version", "'latest'"],
            ["negative"] = ["no version", "'-1'"],
            ["wrong_extension"] = ["1/model.pt is missing", "model.pth"],
            ["wrong_format"] = ["model.pt", "zip archive"],
            ["linked"] = ["'linked'", "out of the repository"],
            ["identity"] = ["more than one repository"],
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

        foreach (var model in new[] { "digits", "picky", "simple" }) Assert.Equal(("READY", ""), index[model]);
        Assert.Equal(5, (await service.Api.InferNumberAsync("picky", 5)).Number);
        Assert.Equal(["3"], (await service.Api.InferPictureAsync(Samples.Picture(3))).Strings("label"));
        Assert.False(service.Program.HasExited);
        foreach (var model in broken.Keys)
            await Poll.UntilAsync(() => Task.FromResult(Regex.IsMatch(service.Program.Output, $@"\b{model}@\d cannot be served: ")), $"the log says that {model} cannot be served");
    }
}
