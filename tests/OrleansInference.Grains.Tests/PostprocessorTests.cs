using OrleansInference.Grains.Inference;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class PostprocessorTests
{
    private static readonly (string, byte[]) Labels = ("labels.txt", "a\nb\nc\n"u8.ToArray());

    [Fact]
    public void The_best_are_named_best_first_with_their_scores()
    {
        using var model = Model(
            "FP32",
            """{"step": "top_k", "output": "top", "from": "scores", "k": 2, "scores": "best"}, {"step": "round", "output": "best", "digits": 1}""",
            """{"name": "top", "data_type": "TYPE_STRING", "dims": [2]}, {"name": "best", "data_type": "TYPE_FP32", "dims": [2]}""");

        var outputs = model.Postprocess(Scores(1, 3.14f, 2, 5, 4, 5));

        Assert.Equal(["b", "c", "a", "c"], outputs["top"].ToStrings());
        Assert.Equal([2, 2], outputs["top"].Shape.ToArray());
        Assert.Equal([3.1f, 2, 5, 5], outputs["best"].ToArray<float>());
        Assert.Equal([1, 3.14f, 2, 5, 4, 5], outputs["scores"].ToArray<float>());
    }

    [Fact]
    public void Without_labels_the_best_are_places_and_equals_come_in_their_order()
    {
        using var model = Model(
            "FP32",
            """{"step": "top_k", "output": "top", "from": "scores", "k": 3}, {"step": "argmax", "output": "first", "from": "scores"}""",
            """{"name": "top", "data_type": "TYPE_INT64", "dims": [3]}, {"name": "first", "data_type": "TYPE_INT64", "dims": [1]}""");

        var outputs = model.Postprocess(Scores(7, 7, 7, float.NegativeInfinity, float.PositiveInfinity, 0));

        Assert.Equal([0, 1, 2, 1, 2, 0], outputs["top"].ToArray<long>());
        Assert.Equal([0, 1], outputs["first"].ToArray<long>());
        Assert.Equal([2, 1], outputs["first"].Shape.ToArray());
    }

    [Fact]
    public void Every_pixel_may_have_a_best_class_of_its_own()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
            "output": [{"name": "masks", "data_type": "TYPE_FP32", "dims": [2, 2, 3]}, {"name": "map", "data_type": "TYPE_INT64", "dims": [2, 2]}],
            "postprocessing": [{"step": "argmax", "output": "map", "from": "masks"}]
            """);

        var map = model.Postprocess(InferenceTensor.Create("masks", new float[] { 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0 }, 1, 2, 2, 3))["map"];

        Assert.Equal([1, 2, 2], map.Shape.ToArray());
        Assert.Equal([0, 1, 2, 1], map.ToArray<long>());
    }

    [Fact]
    public void A_threshold_admits_the_value_itself()
    {
        using var model = Model(
            "FP32",
            """{"step": "threshold", "output": "tags", "from": "scores", "value": 0.1}""",
            """{"name": "tags", "data_type": "TYPE_BOOL", "dims": [3]}""");

        Assert.Equal([false, true, true], model.Postprocess(Scores(0.0999f, 0.1f, 0.2f))["tags"].ToArray<bool>());
    }

    [Theory]
    [InlineData(0, new[] { 2f, 2, 4, -2, 1000000 })]
    [InlineData(2, new[] { 1.5f, 2.35f, 3.5f, -1.5f, 1000000.1f })]
    [InlineData(15, new[] { 1.5f, 2.346f, 3.5f, -1.5f, 1000000.1f })]
    public void Halves_are_rounded_to_the_even_neighbour(int digits, float[] expected)
    {
        using var model = new ProcessedModel(
            $$"""
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [5]}],
            "postprocessing": [{"step": "round", "output": "y", "digits": {{digits}}}]
            """);

        Assert.Equal(expected, model.Postprocess(InferenceTensor.Create("y", new[] { 1.5f, 2.346f, 3.5f, -1.5f, 1000000.1f }, 1, 5))["y"].ToArray<float>());
    }

    [Fact]
    public void Halves_and_doubles_are_processed_as_singles_are()
    {
        const string Steps =
            """
            {"step": "softmax", "output": "scores"}, {"step": "round", "output": "scores", "digits": 2},
            {"step": "label", "output": "label", "from": "scores"}
            """;
        const string Added = """{"name": "label", "data_type": "TYPE_STRING", "dims": [1]}""";
        using var halves = Model("FP16", Steps, Added);
        using var doubles = Model("FP64", Steps, Added);

        var half = halves.Postprocess(InferenceTensor.Create("scores", new[] { (Half)0, (Half)MathF.Log(3), Half.NegativeInfinity }, 1, 3));
        var full = doubles.Postprocess(InferenceTensor.Create("scores", new[] { 0, Math.Log(3), double.NegativeInfinity }, 1, 3));

        Assert.Equal([(Half)0.25f, (Half)0.75f, (Half)0], half["scores"].ToArray<Half>());
        Assert.Equal([0.25, 0.75, 0], full["scores"].ToArray<double>());
        Assert.Equal("b", Assert.Single(half["label"].ToStrings()));
        Assert.Equal("b", Assert.Single(full["label"].ToStrings()));
    }

    [Fact]
    public void Halves_are_summed_with_more_digits_than_they_have()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP16", "dims": [-1]}],
            "postprocessing": [{"step": "softmax", "output": "y"}]
            """);

        var equal = model.Postprocess(InferenceTensor.Create("y", new Half[5000], 1, 5000))["y"].ToArray<Half>();

        Assert.All(equal, value => Assert.Equal(1 / 5000f, (float)value, 1e-6f));
    }

    [Theory]
    [InlineData("""{"step": "label", "output": "added", "from": "scores"}""", "TYPE_STRING", 1)]
    [InlineData("""{"step": "argmax", "output": "added", "from": "scores"}""", "TYPE_INT64", 1)]
    [InlineData("""{"step": "top_k", "output": "added", "from": "scores", "k": 2}""", "TYPE_STRING", 2)]
    [InlineData("""{"step": "threshold", "output": "added", "from": "scores", "value": 1}""", "TYPE_BOOL", 3)]
    public void What_is_no_number_is_never_chosen_but_reported_with_its_output(string step, string type, int count)
    {
        using var model = Model("FP32", step, $$"""{"name": "added", "data_type": "{{type}}", "dims": [{{count}}]}""");
        var row = step.Contains("threshold", StringComparison.Ordinal) ? "as its element 4" : "in row 1";

        model.AssertFailed(
            $"model 'processed' failed: output 'scores' has NaN {row}: postprocessing cannot make 'added' of it",
            Scores(1, 2, 3, 9, float.NaN, 3));
        Assert.Equal(3, model.Postprocess(Scores(1, 2, 3))["scores"].ElementCount);
    }

    [Fact]
    public void What_is_no_number_stays_none_where_nothing_is_chosen()
    {
        using var model = Model(
            "FP32", """{"step": "softmax", "output": "scores"}, {"step": "round", "output": "scores", "digits": 3}""");

        Assert.All(model.Postprocess(Scores(1, float.NaN, 3))["scores"].ToArray<float>(), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void Outputs_that_are_not_as_declared_are_reported()
    {
        using var model = Model(
            "FP32",
            """{"step": "top_k", "output": "top", "from": "scores", "k": 2}""",
            """{"name": "top", "data_type": "TYPE_STRING", "dims": [2]}""");

        model.AssertFailed("output 'scores' has 1 elements a row, not 3, one for each label,", InferenceTensor.Create("scores", new[] { 1f }, 1, 1));
        model.AssertFailed("output 'scores' has 0 elements a row", InferenceTensor.Create("scores", Array.Empty<float>(), 1, 0));
        model.AssertFailed("output 'scores' is of INT32", InferenceTensor.Create("scores", new[] { 1, 2, 3 }, 1, 3));
        model.AssertFailed("there is no output 'scores'", InferenceTensor.Create("other", new[] { 1f }, 1, 1));
    }

    [Fact]
    public void More_than_there_are_in_an_open_dimension_is_reported()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
            "output": [{"name": "scores", "data_type": "TYPE_FP32", "dims": [-1]}, {"name": "top", "data_type": "TYPE_INT64", "dims": [2]}],
            "postprocessing": [{"step": "top_k", "output": "top", "from": "scores", "k": 2}]
            """);

        model.AssertFailed("output 'scores' has 1 elements a row, not at least 2", InferenceTensor.Create("scores", new[] { 1f }, 1, 1));
        Assert.Equal([1L, 0], model.Postprocess(InferenceTensor.Create("scores", new[] { 1f, 2 }, 1, 2))["top"].ToArray<long>());
    }

    [Theory]
    [InlineData(RequestProcessor.MaxElementsInTurn, false)]
    [InlineData(RequestProcessor.MaxElementsInTurn + 1, true)]
    public async Task Outputs_of_more_elements_than_the_limit_are_processed_beside_the_turn(int elements, bool isBeside)
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [-1]}],
            "postprocessing": [{"step": "softmax", "output": "y"}]
            """);
        // Nothing is admitted beside the turn, so that it shows who would have gone there.
        using var throttle = new ProcessingThrottle(limit: 0);
        var response = new InferenceResponse { Model = model.Version.Id, Outputs = [InferenceTensor.Create("y", new float[elements], 1, elements)] };

        var processing = new RequestProcessor(throttle).PostprocessAsync(model.Version, ProcessedModel.Request(), response, default).AsTask();

        if (isBeside) Assert.Equal(InferenceError.QueueFull, (await Assert.ThrowsAsync<InferenceException>(() => processing)).Error);
        else Assert.Equal(1f / elements, (await processing)["y"].ToArray<float>()[0], 1e-6f);
    }

    private static ProcessedModel Model(string type, string steps, string added = "") => new(
        $$"""
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
        "output": [{"name": "scores", "data_type": "TYPE_{{type}}", "dims": [3], "label_filename": "labels.txt"}{{(added.Length > 0 ? "," : "")}} {{added}}],
        "postprocessing": [{{steps}}]
        """,
        Labels);

    private static InferenceTensor Scores(params float[] elements) => InferenceTensor.Create("scores", elements, elements.Length / 3, 3);
}
