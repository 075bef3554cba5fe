using OrleansInference.Engine.Verification;
using OrleansInference.Ensembles;
using OrleansInference.Grains.Models;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class RepositoryCheckTests
{
    private static readonly TensorSignature X = new() { Name = "x", DataType = DataType.Float32, Shape = [-1, 2] };
    private static readonly TensorSignature Y = X with { Name = "y" };

    [Fact]
    public void An_ensemble_has_the_mistakes_of_its_models_for_a_problem() => Assert.Equal(
        [("a", "its file is broken", 0), ("both", "model 'a' is not ready: its file is broken", 0), ("c", "", 0)],
        Judge(Network("a", "its file is broken"), Ensemble("both", 2, "a", "c"), Network("c")));

    [Fact]
    public void An_ensemble_that_can_do_without_a_model_has_a_warning() => Assert.Equal(
        [("a", "its file is broken", 0), ("both", "", 1), ("c", "", 0)],
        Judge(Network("a", "its file is broken"), Ensemble("both", 1, "a", "c"), Network("c")));

    [Fact]
    public void Warnings_of_the_configuration_stay()
    {
        var model = Network("a") with { Warnings = ["no effect"] };

        Assert.Equal(["no effect"], Assert.Single(RepositoryCheck.Judge([model])).Warnings);
    }

    private static IEnumerable<(string, string, int)> Judge(params VerifiedModel[] models) =>
        RepositoryCheck.Judge(models).Select(model => (model.Id.Name, model.Problem, model.Warnings.Count));

    private static VerifiedModel Network(string name, string reason = "") => new(new(new(name, 1), Describe(name), reason), []);

    private static VerifiedModel Ensemble(string name, int required, params string[] members)
    {
        var plan = new EnsemblePlan
        {
            Inputs = [X],
            Outputs = ["y"],
            Steps = [.. members.Select(member => new EnsembleStep { Name = member, Model = member })],
            Aggregation = new() { Method = AggregationMethod.Mean, Required = required },
        };
        return new(new(new(name, 1), Describe(name) with { Ensemble = plan }, ""), []);
    }

    private static ModelDescriptor Describe(string name) => new()
    {
        Id = new(name, 1),
        Platform = "test",
        MaxBatchSize = 8,
        Inputs = [X],
        Outputs = [Y],
        Configuration = "{}",
    };
}
