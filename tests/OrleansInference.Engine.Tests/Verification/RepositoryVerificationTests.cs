using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests.Verification;

public sealed class RepositoryVerificationTests : IDisposable
{
    private const string Config =
        """
        "metric_tags": {"a": "b"},
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}]
        """;

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task All_models_are_told_of_by_name_with_what_came_of_them()
    {
        _root.Write("sound/config.json", $"{{{Config}}}");
        _root.Write("sound/1/model.pt", "");
        _root.Write("refused/config.json", $"{{{Config}}}");
        _root.Write("refused/1/model.pt", "");
        _root.Write("broken/config.json", "{\"max_batch_size\": \"many\"}");
        _root.Write("broken/1/model.pt", "");
        _root.Write("both/config.json", $$"""{"platform": "ensemble", "ensemble": {"members": [{"model_name": "a"}], "aggregate": "mean"}, {{Config}}}""");
        var verifier = new Verifier();

        var models = await RepositoryVerification.RunAsync(new FileModelRepository([_root.Path]), verifier, TestContext.Current.CancellationToken);

        Assert.Equal(["both", "broken", "refused", "sound"], models.Select(model => model.Publication.Id.Name));
        Assert.Equal(["", "refused by its verifier", ""], models.Where(model => model.Publication.Descriptor is not null).Select(model => model.Publication.Reason));
        Assert.Contains("\"many\"", models[1].Publication.Reason, StringComparison.Ordinal);
        Assert.Equal([1, 0, 1, 1], models.Select(model => model.Warnings.Count));
        // An ensemble has no file.
        Assert.Equal(["refused", "sound"], verifier.Seen.Order());
    }

    private sealed class Verifier : IModelVerifier
    {
        public List<string> Seen { get; } = [];

        public Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
        {
            Seen.Add(version.Id.Name);
            return Task.FromResult(version.Id.Name == "refused" ? ModelVerification.Broken("refused by its verifier") : ModelVerification.Sound(1));
        }
    }
}
