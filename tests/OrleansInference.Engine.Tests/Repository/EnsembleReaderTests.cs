using OrleansInference.Engine.Repository;
using OrleansInference.Ensembles;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class EnsembleReaderTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Members_arrive_with_weights_maps_and_policy()
    {
        var plan = Sound(
            """
            "ensemble": {
              "members": [
                {"model_name": "a", "weight": 3},
                {"model_name": "b", "model_version": 2, "name": "other", "input_map": {"pixels": "x"}, "output_map": {"logits": "y"}},
                {"model_name": "a", "model_version": -1}
              ],
              "aggregate": "weighted_mean", "require": "quorum(2)", "deadline_milliseconds": 50, "nan": "allow"
            }
            """);

        Assert.Equal(
            new Aggregation { Method = AggregationMethod.WeightedMean, Required = 2, Deadline = TimeSpan.FromMilliseconds(50), AdmitsNaN = true, Axis = 1 },
            plan.Aggregation);
        Assert.Equal(
            [("a", "a", null, 3.0), ("other", "b", 2, 1.0), ("a#2", "a", null, 1.0)],
            plan.Steps.Select(step => (step.Name, step.Model, step.Version, step.Weight)));
        Assert.Equal(("x", "y"), (plan.Steps[1].InputMap!["pixels"], plan.Steps[1].OutputMap!["logits"]));
        Assert.Equal(["y"], plan.Outputs);
    }

    [Theory]
    [InlineData("all", 3)]
    [InlineData("any", 1)]
    [InlineData("quorum(3)", 3)]
    public void How_many_must_answer_is_a_word_or_a_number(string require, int expected) =>
        Assert.Equal(expected, Sound(Members($"\"aggregate\": \"mean\", \"require\": \"{require}\"")).Aggregation!.Required);

    [Fact]
    public void An_axis_does_not_count_the_batch() =>
        Assert.Equal(2, Sound(Members("\"aggregate\": \"concat\", \"axis\": 1")).Aggregation!.Axis);

    [Fact]
    public void Steps_are_brought_into_an_order_in_which_they_can_run()
    {
        var plan = Sound(Pipeline(
            """{"model_name": "last", "input_map": {"x": "b", "z": "c"}, "output_map": {"y": "y"}}""",
            """{"model_name": "left", "input_map": {"x": "a"}, "output_map": {"y": "b"}}""",
            """{"model_name": "right", "input_map": {"x": "a"}, "output_map": {"y": "c"}}""",
            """{"model_name": "first", "input_map": {"x": "x"}, "output_map": {"y": "a"}}"""));

        Assert.Null(plan.Aggregation);
        Assert.Equal(["first", "left", "right", "last"], plan.Steps.Select(step => step.Name));
    }

    [Fact]
    public void The_limit_of_requests_under_way_arrives() =>
        Assert.Equal(4, Sound(Pipeline(
            """{"model_name": "a", "input_map": {"x": "x"}, "output_map": {"y": "y"}}""").Replace("\"step\"", "\"max_inflight_requests\": 4, \"step\"", StringComparison.Ordinal)).MaxInFlightRequests);

    [Fact]
    public void Preprocessed_inputs_and_postprocessed_outputs_are_what_the_models_see()
    {
        _repository.Write("model/labels.txt", "a\nb\n");
        var (config, errors) = ReadConfig(
            """
            {"platform": "ensemble", "max_batch_size": 8,
             "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}],
             "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2], "label_filename": "labels.txt"}, {"name": "label", "data_type": "TYPE_STRING", "dims": [1]}],
             "preprocessing": [{"input": "image", "output": "x", "steps": [{"step": "decode_image"}, {"step": "resize", "width": 2, "height": 2}]}],
             "ensemble": {"members": [{"model_name": "a", "input_map": {"p": "x"}}], "aggregate": "mean"},
             "postprocessing": [{"step": "label", "output": "label", "from": "y"}]}
            """);

        Assert.Empty(errors);
        Assert.Equal(["y"], config!.Ensemble!.Outputs);
        Assert.Equal("x", Assert.Single(config.Ensemble.Inputs).Name);
    }

    [Theory]
    [InlineData("", "ensemble: an ensemble needs exactly one of ensemble and ensemble_scheduling")]
    [InlineData("\"dynamic_batching\": {}, \"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\"}", "dynamic_batching: contradicts platform 'ensemble'")]
    [InlineData("\"instance_group\": [], \"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\"}", "instance_group: contradicts platform 'ensemble'")]
    [InlineData("\"ensemble\": {\"members\": [], \"aggregate\": \"mean\"}", "ensemble.members: is empty")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}]}", "ensemble.aggregate: is missing")]
    [InlineData("\"ensemble\": {\"members\": [{}], \"aggregate\": \"mean\"}", "ensemble.members[0].model_name: is missing")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"model\"}], \"aggregate\": \"mean\"}", "'model' is the ensemble itself")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"model_version\": 0}], \"aggregate\": \"mean\"}", "members[0].model_version: 0 is no version")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"weight\": 2}], \"aggregate\": \"mean\"}", "members[0].weight: is a matter of weighted_mean and majority_vote")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"weight\": 0}], \"aggregate\": \"weighted_mean\"}", "members[0].weight: 0 is not above 0")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"name\": \"n\"}, {\"model_name\": \"b\", \"name\": \"n\"}], \"aggregate\": \"mean\"}", "members[1].name: 'n' is there twice")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"input_map\": {\"p\": \"q\"}}], \"aggregate\": \"mean\"}", "members[0].input_map.p: 'q' is none of the ensemble's inputs 'x'")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"input_map\": {\"p\": 1}}], \"aggregate\": \"mean\"}", "members[0].input_map.p: 1 is not a string")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"output_map\": {\"p\": \"q\"}}], \"aggregate\": \"mean\"}", "members[0].output_map: gives no 'y'")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"average\"}", "ensemble.aggregate: \"average\" is not one of mean, weighted_mean")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\", \"axis\": 0}", "ensemble.axis: is a matter of concat and stack")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\", \"require\": \"quorum(2)\"}", "'quorum(2)' is not one of all, any and quorum(1) to quorum(1)")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"first\", \"require\": \"all\"}", "ensemble.require: contradicts aggregate first")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\", \"deadline_milliseconds\": 0}", "deadline_milliseconds: 0 is not an integer from 1")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"mean\", \"quorum\": 1}", "ensemble.quorum: unknown")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"output_map\": {\"y\": \"y\"}}]}", "step[0].input_map: is missing")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"q\"}, \"output_map\": {\"y\": \"y\"}}]}", "step[0].input_map.x: 'q' is neither an input of the ensemble nor given by a step")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"x\"}, \"output_map\": {\"y\": \"z\"}}]}", "output 'y' is given by no step")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"x\"}, \"output_map\": {\"y\": \"x\", \"z\": \"y\"}}]}", "output_map.y: 'x' is an input of the ensemble already")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"x\"}, \"output_map\": {\"y\": \"y\"}}, {\"model_name\": \"b\", \"input_map\": {\"x\": \"x\"}, \"output_map\": {\"y\": \"y\"}}]}", "step[1].output_map.y: 'y' is given by 'a' already")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"b\"}, \"output_map\": {\"y\": \"y\"}}, {\"model_name\": \"b\", \"input_map\": {\"x\": \"y\", \"z\": \"x\"}, \"output_map\": {\"y\": \"b\"}}]}", "the steps wait for each other: 'a' -> 'b' -> 'a'")]
    [InlineData("\"ensemble_scheduling\": {\"step\": [{\"model_name\": \"a\", \"input_map\": {\"x\": \"y\"}, \"output_map\": {\"y\": \"y\"}}]}", "input 'x' is taken by no step")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"weight\": 1e308}], \"aggregate\": \"weighted_mean\"}", "members[0].weight: 1E+308 is not above 0 and at most 1000000")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a.reason\"}], \"aggregate\": \"mean\"}", "members[0].name: 'a.reason' ends as the parameters do")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\", \"output_map\": {\"p\": \"y\", \"q\": \"y\"}}], \"aggregate\": \"mean\"}", "members[0].output_map: 'y' is given twice")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"concat\", \"axis\": 2}", "ensemble.axis: 2 is no dimension of output 'y', whose dims are [2,2]")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}], \"aggregate\": \"stack\"}", "output 'y': dims [2,2] have 2 at 0, where 1 members are stacked")]
    [InlineData("\"ensemble\": {\"members\": [{\"model_name\": \"a\"}, {\"model_name\": \"b\"}], \"aggregate\": \"stack\", \"require\": \"any\"}", "output 'y': dims [2,2] must have -1 at 0, since members may be missing there")]
    public void A_contradiction_is_named(string fields, string expected) =>
        Assert.Contains(Read(fields).Errors, error => error.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("TYPE_INT32", "mean")]
    [InlineData("TYPE_STRING", "sum")]
    [InlineData("TYPE_BOOL", "max")]
    [InlineData("TYPE_FP16", "majority_vote")]
    public void An_aggregate_that_the_datatype_does_not_have_is_named(string type, string aggregate) => Assert.Contains(
        ReadConfig(
            $$$"""
            {"platform": "ensemble", "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}], "output": [{"name": "y", "data_type": "{{{type}}}", "dims": [1]}],
             "ensemble": {"members": [{"model_name": "a"}], "aggregate": "{{{aggregate}}}"}}
            """).Errors,
        error => error.Contains("is not possible for output 'y'", StringComparison.Ordinal));

    [Fact]
    public void More_steps_than_the_limit_are_refused()
    {
        var members = string.Join(',', Enumerable.Range(0, 65).Select(member => $$"""{"model_name": "m{{member}}"}"""));

        var errors = Read($$"""
            "ensemble": {"members": [{{members}}], "aggregate": "mean"}
            """).Errors;

        Assert.Contains("ensemble.members: has 65 entries, the limit is 64", errors);
    }

    [Fact]
    public void A_network_has_no_members() => Assert.Contains(
        "ensemble: needs platform to be 'ensemble', but it is 'pytorch_libtorch'",
        ReadConfig("""
            {"input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [1]}], "ensemble": {}}
            """).Errors);

    private static string Members(string rest) =>
        $$"""
        "ensemble": {"members": [{"model_name": "a"}, {"model_name": "b"}, {"model_name": "c"}], {{rest}}}
        """;

    private static string Pipeline(params string[] steps) =>
        $$"""
        "ensemble_scheduling": {"step": [{{string.Join(',', steps)}}]}
        """;

    private EnsemblePlan Sound(string fields)
    {
        var (config, errors) = Read(fields);
        Assert.Empty(errors);
        return config!.Ensemble!;
    }

    private (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string fields) => ReadConfig(
        $$"""
        {"platform": "ensemble", "max_batch_size": 8,
         "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2, 2]}]{{(fields.Length > 0 ? "," : "")}}
         {{fields}}}
        """);

    private (ModelConfig? Config, IReadOnlyList<string> Errors) ReadConfig(string config)
    {
        _repository.Write("model/config.json", config);
        return ModelConfigReader.Read(Path.Combine(_repository.Path, "model"), 1);
    }
}
