using OrleansInference.Ensembles;
using OrleansInference.Grains.Models;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class EnsembleResolverTests
{
    private static readonly Aggregation All = new() { Method = AggregationMethod.Mean, Required = 2 };

    [Fact]
    public void An_ensemble_is_ready_when_its_models_are() => Assert.Equal((ModelState.Ready, ""), Judge([Network("a"), Network("b")], Members(All, "a", "b")));

    [Theory]
    [InlineData(2, ModelState.Unavailable, "model 'b' is not ready: its file is broken")]
    [InlineData(1, ModelState.Ready, "degraded: model 'b' is not ready: its file is broken")]
    public void A_member_that_is_unavailable_makes_it_so_or_degrades_it_as_its_policy_says(int required, ModelState state, string reason) => Assert.Equal(
        (state, reason),
        Judge([Network("a"), Network("b") with { State = ModelState.Unavailable, Reason = "its file is broken" }], Members(All with { Required = required }, "a", "b")));

    [Fact]
    public void A_member_that_is_loading_is_waited_for() => Assert.Equal(
        (ModelState.Loading, "model 'b' is not ready: being verified"),
        Judge([Network("a"), Network("b") with { State = ModelState.Loading, Reason = "being verified" }], Members(All, "a", "b")));

    [Fact]
    public void A_member_that_does_not_exist_is_named() => Assert.Equal(
        (ModelState.Unavailable, "there is no model 'b' version 7"),
        Judge([Network("a"), Network("b")], Members(All, "a", "b") with { Steps = [Step("a"), Step("b") with { Version = 7 }] }));

    [Theory]
    [InlineData("INT32", 2, "'b' (model 'b'): input 'x' is INT32[-1,2], but 'x' is FP32[-1,2]")]
    [InlineData("FP32", 3, "'b' (model 'b'): input 'x' is FP32[-1,3], but 'x' is FP32[-1,2]")]
    public void A_member_that_takes_something_else_is_named_whatever_the_policy(string type, int width, string reason)
    {
        DataTypes.TryParse(type, out var dataType);
        var other = Network("b") with { Descriptor = Describe("b", [Tensor("x", dataType, width)], [Tensor("y")]) };

        Assert.Equal((ModelState.Unavailable, reason), Judge([Network("a"), other], Members(All with { Required = 1 }, "a", "b")));
    }

    [Fact]
    public void A_member_that_lacks_an_output_or_gets_too_few_inputs_is_named()
    {
        var other = Network("b") with { Descriptor = Describe("b", [Tensor("x"), Tensor("mask")], [Tensor("z")]) };

        Assert.Equal(
            (ModelState.Unavailable, "'b' (model 'b'): nothing is given for input 'mask'; 'b' (model 'b'): the model has no output 'y'"),
            Judge([Network("a"), other], Members(All, "a", "b")));
    }

    [Fact]
    public void A_member_may_take_what_its_preprocessing_would_have_made()
    {
        var descriptor = Describe("b", [Tensor("picture", DataType.Bytes, 1)], [Tensor("y")]) with { Preprocessed = [new(["picture"], [Tensor("x")])] };

        Assert.Equal(ModelState.Ready, Judge([Network("a"), Network("b") with { Descriptor = descriptor }], Members(All, "a", "b")).State);
    }

    [Fact]
    public void Shapes_are_followed_from_step_to_step()
    {
        var wide = Network("wide") with { Descriptor = Describe("wide", [Tensor("x")], [Tensor("y", width: 5)]) };
        var plan = new EnsemblePlan { Outputs = ["y"], Steps = [Step("wide", "x", "between"), Step("narrow", "between", "y")] };

        Assert.Equal(
            (ModelState.Unavailable, "'narrow' (model 'narrow'): input 'x' is FP32[-1,2], but 'between' is FP32[-1,5]"),
            Judge([wide, Network("narrow")], plan));
    }

    [Fact]
    public void The_last_step_gives_what_the_ensemble_declares()
    {
        var wide = Network("wide") with { Descriptor = Describe("wide", [Tensor("x")], [Tensor("y", width: 5)]) };

        Assert.Equal(
            (ModelState.Unavailable, "output 'y' is FP32[-1,2], but its step gives FP32[-1,5]"),
            Judge([wide], new EnsemblePlan { Outputs = ["y"], Steps = [Step("wide", "x", "y")] }));
    }

    [Theory]
    [InlineData(AggregationMethod.Concat, 1, ModelState.Ready)]
    [InlineData(AggregationMethod.Concat, 0, ModelState.Unavailable)]
    [InlineData(AggregationMethod.Stack, 1, ModelState.Unavailable)]
    public void What_is_put_together_need_not_be_as_long_as_the_whole(AggregationMethod method, int axis, ModelState expected)
    {
        var narrow = new[] { "a", "b" }.Select(name => Network(name) with { Descriptor = Describe(name, [Tensor("x")], [Tensor("y", width: 1)]) });

        Assert.Equal(expected, Judge([.. narrow], Members(All with { Method = method, Axis = axis }, "a", "b")).State);
    }

    [Fact]
    public void A_model_that_answers_more_than_once_is_no_step()
    {
        var stream = Network("b") with { Descriptor = Describe("b", [Tensor("x")], [Tensor("y")]) with { IsDecoupled = true } };

        Assert.Contains("'b' (model 'b') answers more than once", Judge([Network("a"), stream], Members(All, "a", "b")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Ensembles_that_consist_of_each_other_are_named()
    {
        var entries = EnsembleResolver.Resolve(
        [
            Ensemble("one", Members(All with { Required = 1 }, "two")),
            Ensemble("three", Members(All with { Required = 1 }, "one")),
            Ensemble("two", Members(All with { Required = 1 }, "three")),
        ]);

        Assert.All(entries, entry => Assert.Equal(ModelState.Unavailable, entry.State));
        Assert.All(entries, entry => Assert.Contains("ensembles consist of each other: 'one' -> 'two' -> 'three' -> 'one'", entry.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void Ensembles_in_a_circle_are_unavailable_even_where_they_could_do_without_each_other()
    {
        var any = All with { Required = 1 };

        var entries = EnsembleResolver.Resolve(
            [Network("x"), Ensemble("a", Members(any, "b", "x")), Ensemble("b", Members(any, "a", "x")), Ensemble("c", Members(any, "a", "x"))]);

        Assert.Equal(
            [ModelState.Ready, ModelState.Unavailable, ModelState.Unavailable, ModelState.Ready], entries.Select(entry => entry.State));
        Assert.StartsWith("degraded: model 'a' is not ready", entries[3].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, ModelState.Ready)]
    [InlineData(33, ModelState.Unavailable)]
    public void A_request_may_lead_to_a_thousand_others_and_no_more(int width, ModelState expected)
    {
        var inner = Members(All with { Required = 1 }, [.. Enumerable.Repeat("x", 32)]);
        var outer = Members(All with { Required = 1 }, [.. Enumerable.Repeat("inner", width)]);

        Assert.Equal(expected, EnsembleResolver.Resolve([Network("x"), Ensemble("inner", inner), Ensemble("outer", outer)])[2].State);
    }

    [Theory]
    [InlineData(16, ModelState.Ready)]
    [InlineData(17, ModelState.Unavailable)]
    public void Ensembles_lie_in_ensembles_to_a_limit(int depth, ModelState expected)
    {
        var entries = Enumerable.Range(0, depth).Select(level =>
            Ensemble($"e{level}", Members(All with { Required = 1 }, level == depth - 1 ? "x" : $"e{level + 1}")));

        Assert.Equal(expected, EnsembleResolver.Resolve([.. entries, Network("x")])[0].State);
    }

    [Fact]
    public void Parts_that_are_longer_or_shorter_together_than_the_output_are_named()
    {
        var plan = Members(All with { Method = AggregationMethod.Concat, Axis = 1 }, "a", "b");

        Assert.Equal((ModelState.Unavailable, "output 'y' is FP32[-1,2], but its members' parts are 4 long together"), Judge([Network("a"), Network("b")], plan));
    }

    [Fact]
    public void An_ensemble_of_ensembles_is_ready_when_they_are()
    {
        var entries = EnsembleResolver.Resolve(
            [Network("a"), Network("b"), Ensemble("inner", Members(All, "a", "b")), Ensemble("outer", Members(All with { Required = 1 }, "inner"))]);

        Assert.All(entries, entry => Assert.Equal(ModelState.Ready, entry.State));
    }

    [Fact]
    public void The_highest_ready_version_is_meant_where_none_is_named()
    {
        var broken = Network("a") with { Id = new("a", 2), State = ModelState.Unavailable, Reason = "broken" };

        Assert.Equal(ModelState.Ready, Judge([Network("a"), broken, Network("b")], Members(All, "a", "b")).State);
    }

    [Fact]
    public void An_unloaded_ensemble_stays_unloaded()
    {
        var entry = Ensemble("e", Members(All, "a", "b")) with { State = ModelState.Unavailable, Reason = "unloaded" };

        Assert.Equal("unloaded", EnsembleResolver.Resolve([Network("a"), Network("b"), entry])[2].Reason);
    }

    private static (ModelState State, string Reason) Judge(IEnumerable<ModelEntry> models, EnsemblePlan plan)
    {
        var entry = EnsembleResolver.Resolve([.. models, Ensemble("e", plan)])[^1];
        return (entry.State, entry.Reason);
    }

    private static EnsemblePlan Members(Aggregation aggregation, params string[] models) =>
        new() { Outputs = ["y"], Aggregation = aggregation, Steps = [.. models.Select(model => Step(model))] };

    private static EnsembleStep Step(string model) => new() { Name = model, Model = model };

    private static EnsembleStep Step(string model, string from, string to) => Step(model) with
    {
        InputMap = new Dictionary<string, string> { ["x"] = from },
        OutputMap = new Dictionary<string, string> { ["y"] = to },
    };

    private static ModelEntry Network(string name) => new()
    {
        Id = new(name, 1),
        State = ModelState.Ready,
        Reason = "",
        Descriptor = Describe(name, [Tensor("x")], [Tensor("y")]),
        Instances = [],
    };

    private static ModelEntry Ensemble(string name, EnsemblePlan plan)
    {
        var entry = Network(name);
        return entry with { State = ModelState.Loading, Descriptor = entry.Descriptor! with { Ensemble = plan with { Inputs = [Tensor("x")] } } };
    }

    private static ModelDescriptor Describe(string name, TensorSignature[] inputs, TensorSignature[] outputs) =>
        new() { Id = new(name, 1), Platform = "", MaxBatchSize = 8, Inputs = inputs, Outputs = outputs, Configuration = "{}" };

    private static TensorSignature Tensor(string name, DataType type = DataType.Float32, int width = 2) =>
        new() { Name = name, DataType = type, Shape = [-1, width] };
}
