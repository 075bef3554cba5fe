using OrleansInference.Tensors;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class PreprocessorTests
{
    /// <summary>A picture, two columns and an input that stays as it is; the network takes x, table and plain.</summary>
    private const string Mixed =
        """
        "input": [
          {"name": "image", "data_type": "TYPE_STRING", "dims": [1]}, {"name": "a", "data_type": "TYPE_INT32", "dims": [1]},
          {"name": "plain", "data_type": "TYPE_FP32", "dims": [1]}, {"name": "b", "data_type": "TYPE_INT32", "dims": [1]}
        ],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [
          {"output": "table", "columns": [{"input": "b"}, {"input": "a"}]},
          {"input": "image", "output": "x", "steps": [{"step": "decode_image", "color": "grayscale"}, {"step": "resize", "width": 1, "height": 1}]}
        ]
        """;

    private static readonly InferenceTensor Image = InferenceTensor.FromBytes("image", [Pictures.Png(1, 1, new SKColor(7, 7, 7))], 1, 1);
    private static readonly InferenceTensor A = InferenceTensor.Create("a", new[] { 3 }, 1, 1);
    private static readonly InferenceTensor B = InferenceTensor.Create("b", new[] { 4 }, 1, 1);
    private static readonly InferenceTensor Plain = InferenceTensor.Create("plain", new[] { 5f }, 1, 1);
    private static readonly InferenceTensor X = InferenceTensor.Create("x", new[] { 8f }, 1, 1, 1, 1);
    private static readonly InferenceTensor Table = InferenceTensor.Create("table", new[] { 9f, 10 }, 1, 2);

    [Fact]
    public void Everything_reaches_the_network_in_its_order_whatever_was_sent_preprocessed()
    {
        using var model = new ProcessedModel(Mixed);

        AssertGets([7], [4, 3], model.Preprocess(Image, A, Plain, B));
        AssertGets([8], [4, 3], model.Preprocess(B, A, Plain, X));
        AssertGets([7], [9, 10], model.Preprocess(Table, Plain, Image));
        AssertGets([8], [9, 10], model.Preprocess(Plain, X, Table));

        static void AssertGets(float[] x, float[] table, InferenceTensor[] network)
        {
            Assert.Equal(["x", "table", "plain"], network.Select(tensor => tensor.Name));
            Assert.Equal(x, network[0].ToArray<float>());
            Assert.Equal(table, network[1].ToArray<float>());
            Assert.Equal([5f], network[2].ToArray<float>());
        }
    }

    [Fact]
    public void What_is_sent_both_ways_or_in_part_is_refused_with_its_names()
    {
        using var model = new ProcessedModel(Mixed);

        model.AssertRefused(
            "takes either input(s) ['image'] or all of ['x'], which preprocessing makes of them, but the request has ['image','x','a','plain','b']",
            Image, X, A, Plain, B);
        model.AssertRefused("takes either input(s) ['b','a'] or all of ['table']", Image, A, Plain, Table);
    }

    [Fact]
    public void Of_several_tensors_that_are_made_of_one_input_all_must_be_sent()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
            "preprocessing": [{"input": "text", "input_ids": "ids", "attention_mask": "mask",
                               "tokenizer": {"kind": "wordpiece", "file": "vocab.txt", "max_length": 3}}]
            """,
            ("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"u8.ToArray()));
        var (ids, mask) = (InferenceTensor.Create("ids", new long[3], 1, 3), InferenceTensor.Create("mask", new long[3], 1, 3));

        model.AssertRefused("takes either input(s) ['text'] or all of ['ids','mask'], which preprocessing makes of them, but the request has ['ids']", ids);
        Assert.Equal(["ids", "mask"], model.Preprocess(mask, ids).Select(tensor => tensor.Name));
    }

    [Fact]
    public void What_is_sent_preprocessed_is_checked_as_any_input_is()
    {
        using var model = new ProcessedModel(Mixed);

        model.AssertRefused(
            "unexpected shape for input 'x' for model 'processed'. Expected [-1,1,1,1], got [1,2]",
            InferenceTensor.Create("x", new float[2], 1, 2), A, B, Plain);
        model.AssertRefused("input 'x' data-type is 'INT32'", InferenceTensor.Create("x", new int[1], 1, 1, 1, 1), A, B, Plain);
        model.AssertRefused("batch size 1 does not match", InferenceTensor.Create("x", new float[2], 2, 1, 1, 1), A, B, Plain);
        model.AssertRefused("missing required input(s) ['plain']", X, Table);
    }

    [Fact]
    public void An_input_whose_name_could_mean_either_is_always_preprocessed()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
            "preprocessing": [{"output": "x", "columns": [{"input": "x", "standardize": {"mean": 1, "std": 2}}]}]
            """);

        Assert.Equal([2f], Assert.Single(model.Preprocess(InferenceTensor.Create("x", new[] { 5f }, 1, 1))).ToArray<float>());
    }

    [Fact]
    public void More_than_an_array_holds_is_refused_before_it_is_allocated()
    {
        using var model = new ProcessedModel(
            """
            "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
            "preprocessing": [{"input": "image", "output": "x", "steps": [
              {"step": "decode_image", "color": "grayscale"}, {"step": "resize", "width": 16384, "height": 16384}]}]
            """);
        var two = InferenceTensor.FromBytes("image", [new byte[1], new byte[1]], 2, 1);

        var exception = Assert.Throws<InferenceException>(() => model.Preprocess(two));

        Assert.Equal(InferenceError.TooLarge, exception.Error);
        Assert.Contains("2 rows would be preprocessed to 2147483648 bytes for input 'x'", exception.Message, StringComparison.Ordinal);
    }
}
