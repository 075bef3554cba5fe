using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class RoutingReaderTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Weights_shadow_and_key_arrive_where_they_belong()
    {
        var publications = Publish(
            """
            "versions": [{"version": 1, "weight": 95}, {"version": 2, "weight": 5}],
            "shadow": {"version": 3, "fraction": 0.5, "tolerance": 0.001},
            "sticky": {"parameter": "user"}
            """);

        Assert.All(publications, publication => Assert.Equal("", publication.Reason));
        var routing = publications[0].Descriptor!.Routing!;
        Assert.Equal([new(1, 95), new(2, 5)], routing.Versions);
        Assert.Equal(new ShadowVersion(3, 0.5, 0.001), routing.Shadow);
        Assert.Equal("user", routing.StickyParameter);
    }

    [Theory]
    [InlineData("\"versions\": [{\"weight\": 1}]", "routing.versions[0].version: is missing")]
    [InlineData("\"versions\": [{\"version\": 0}]", "routing.versions[0].version: 0 is not an integer from 1")]
    [InlineData("\"versions\": [{\"version\": 1, \"weight\": -1}]", "routing.versions[0].weight: -1 is not above 0")]
    [InlineData("\"versions\": [{\"version\": 1}, {\"version\": 1}]", "routing.versions[1].version: 1 is there twice")]
    [InlineData("\"versions\": [{\"version\": 1, \"share\": 1}]", "routing.versions[0].share: unknown")]
    [InlineData("\"versions\": [{\"version\": 2}], \"shadow\": {\"version\": 2}", "it cannot be its own shadow")]
    [InlineData("\"shadow\": {}", "routing.shadow.version: is missing")]
    [InlineData("\"shadow\": {\"version\": 2, \"fraction\": 0}", "routing.shadow.fraction: 0 is not above 0 and at most 1")]
    [InlineData("\"shadow\": {\"version\": 2, \"fraction\": 1.5}", "routing.shadow.fraction: 1.5 is not above 0 and at most 1")]
    [InlineData("\"shadow\": {\"version\": 2, \"tolerance\": -1}", "routing.shadow.tolerance: -1 is below 0")]
    [InlineData("\"sticky\": {}", "routing.sticky.parameter: is missing")]
    [InlineData("\"sticky\": {\"parameter\": \"timeout\"}", "'timeout' is one of the protocol's own parameters")]
    [InlineData("\"sticky\": {\"parameter\": \"triton_x\"}", "'triton_x' is one of the protocol's own parameters")]
    [InlineData("\"canary\": 3", "routing.canary: unknown")]
    [InlineData("\"versions\": [{\"version\": 1}, {\"version\": 9}]", "routing: version 9 is not served; of the version folders, the version_policy admits 1, 2, 3")]
    [InlineData("\"shadow\": {\"version\": 8}", "routing: version 8 is not served")]
    [InlineData("\"versions\": [{\"version\": 1, \"weight\": 1e308}]", "routing.versions[0].weight: 1E+308 is not above 0 and at most 1000000")]
    public void A_contradiction_is_named(string fields, string expected) =>
        Assert.Contains(expected, Assert.Single(Publish(fields)).Reason, StringComparison.Ordinal);

    private IReadOnlyList<ModelPublication> Publish(string routing)
    {
        foreach (var version in new[] { 1, 2, 3 }) _repository.Write($"model/{version}/model.pt", "");
        _repository.Write(
            "model/config.json",
            $$$"""
            {"input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [1]}],
             "version_policy": {"all": {}}, "routing": { {{{routing}}} }}
            """);
        return new FileModelRepository([_repository.Path]).Publications;
    }
}
