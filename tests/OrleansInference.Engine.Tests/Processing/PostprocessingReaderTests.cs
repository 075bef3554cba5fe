using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Tests.Repository;

namespace OrleansInference.Engine.Tests.Processing;

public sealed class PostprocessingReaderTests : IDisposable
{
    private const string Top = """{"step": "top_k", "output": "top", "from": "scores", "k": 2, "scores": "top_scores"}""";
    private const string RoundBest = """{"step": "round", "output": "top_scores", "digits": 3}""";

    private readonly ConfigFolder _folder = new();

    public PostprocessingReaderTests() => _folder.Write("labels.txt", "a\nb\nc\n");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("[]", "argmax", "postprocessing[0].from")]
    [InlineData("[null]", "argmax", "output[0].dims")]
    [InlineData("[0]", "top_k", "output[0].dims")]
    [InlineData("[\"x\"]", "top_k", "output[0].dims")]
    public void Dims_that_are_none_are_a_mistake_and_no_end_of_the_reading(string dims, string step, string expected)
    {
        var (config, errors) = _folder.Read(
            $$"""
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}],
            "output": [{"name": "scores", "data_type": "TYPE_FP32", "dims": {{dims}} }, {"name": "best", "data_type": "TYPE_INT64", "dims": [1]}],
            "postprocessing": [{"step": "{{step}}", "output": "best", "from": "scores"{{(step == "top_k" ? ", \"k\": 1" : "")}} }]
            """);

        Assert.Null(config);
        Assert.Contains(errors, error => error.StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Steps_arrive_in_their_order_and_what_they_add_is_not_the_networks()
    {
        var config = _folder.Sound(Outputs(
            $$"""
            {"step": "softmax", "output": "scores"}, {"step": "label", "output": "label", "from": "scores"},
            {"step": "argmax", "output": "best", "from": "scores"}, {"step": "argmax", "output": "map", "from": "masks"},
            {{Top}}, {{RoundBest}},
            {"step": "top_k", "output": "places", "from": "masks", "k": 2},
            {"step": "threshold", "output": "tags", "from": "scores", "value": 0.5}
            """));

        string[] labels = ["a", "b", "c"];
        Assert.Equal(new SoftmaxStep("scores"), config.Postprocessing[0]);
        Assert.Equal(labels, Assert.IsType<LabelStep>(config.Postprocessing[1]).Labels);
        Assert.Equal(new ArgmaxStep("best", "scores", KeepsDimension: true), config.Postprocessing[2]);
        Assert.Equal(new ArgmaxStep("map", "masks", KeepsDimension: false), config.Postprocessing[3]);
        Assert.Equal(labels, Assert.IsType<TopStep>(config.Postprocessing[4]).Labels);
        Assert.Equal(new RoundStep("top_scores", 3), config.Postprocessing[5]);
        Assert.Empty(Assert.IsType<TopStep>(config.Postprocessing[6]).Labels);
        Assert.Equal(new ThresholdStep("tags", "scores", 0.5), config.Postprocessing[7]);
        Assert.Equal(["scores", "masks"], ModelSignatures.OfNetwork(config).Outputs.Select(output => output.Name).Take(2));
    }

    [Theory]
    [InlineData("""{"step": "sort", "output": "scores"}""", "step: 'sort' is not one of softmax, round, label, argmax, top_k, threshold")]
    [InlineData("""{"step": "softmax", "output": "z"}""", "output: the model has no output 'z'")]
    [InlineData("""{"step": "softmax", "output": "best"}""", "'best' must be TYPE_FP16, TYPE_FP32 or TYPE_FP64")]
    [InlineData("""{"step": "softmax", "output": "scores", "axis": 1}""", "postprocessing[0].axis: unknown")]
    [InlineData("""{"step": "round", "output": "scores"}""", "digits: is missing")]
    [InlineData("""{"step": "round", "output": "scores", "digits": 16}""", "digits: 16 is not an integer from 0 to 15")]
    [InlineData("""{"step": "label", "output": "scores", "from": "scores"}""", "'scores' must be TYPE_STRING with dims [1]")]
    [InlineData("""{"step": "label", "output": "label", "from": "masks"}""", "'masks' must be a floating-point output of one fixed dimension with a label_filename")]
    [InlineData("""{"step": "argmax", "output": "best", "from": "label"}""", "from: 'label' must be TYPE_FP16")]
    [InlineData("""{"step": "argmax", "output": "best", "from": "masks"}""", "output: 'best' must be TYPE_INT64 with dims [4,1]")]
    [InlineData("""{"step": "argmax", "output": "label", "from": "scores"}""", "output: 'label' must be TYPE_INT64 with dims [1]")]
    [InlineData("""{"step": "argmax", "output": "best"}""", "from: is missing")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "scores"}""", "k: is missing")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "scores", "k": 0}""", "k: 0 is not an integer from 1")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "scores", "k": 4}""", "k: 4 is more than the 3 elements of 'scores'")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "scores", "k": 1}""", "output: 'top' must be TYPE_STRING with dims [1]")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "masks", "k": 2}""", "from: 'masks' must be a floating-point output of one fixed dimension")]
    [InlineData("""{"step": "top_k", "output": "top", "from": "scores", "k": 2, "scores": "best"}""", "scores: 'best' must be TYPE_FP32 with dims [2]")]
    [InlineData("""{"step": "threshold", "output": "tags", "from": "scores"}""", "value: is missing")]
    [InlineData("""{"step": "threshold", "output": "tags", "from": "masks", "value": 1}""", "output: 'tags' must be TYPE_BOOL with dims [4,2]")]
    [InlineData(RoundBest + "," + Top, "postprocessing[0].output: 'top_scores' is only added by this step or a later one")]
    [InlineData(Top + "," + RoundBest + "," + Top, "postprocessing[2].output: 'top_scores' is added by an earlier step")]
    public void Impossible_steps_are_refused(string steps, string expected) => _folder.AssertError(expected, Outputs(steps));

    private static string Outputs(string steps) =>
        $$"""
        "max_batch_size": 4,
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
        "output": [
          {"name": "scores", "data_type": "TYPE_FP32", "dims": [3], "label_filename": "labels.txt"},
          {"name": "masks", "data_type": "TYPE_FP64", "dims": [4, 2]},
          {"name": "label", "data_type": "TYPE_STRING", "dims": [1]},
          {"name": "best", "data_type": "TYPE_INT64", "dims": [1]},
          {"name": "map", "data_type": "TYPE_INT64", "dims": [4]},
          {"name": "places", "data_type": "TYPE_INT64", "dims": [4, 2]},
          {"name": "top", "data_type": "TYPE_STRING", "dims": [2]},
          {"name": "top_scores", "data_type": "TYPE_FP32", "dims": [2]},
          {"name": "tags", "data_type": "TYPE_BOOL", "dims": [3]}
        ],
        "postprocessing": [{{steps}}]
        """;
}
