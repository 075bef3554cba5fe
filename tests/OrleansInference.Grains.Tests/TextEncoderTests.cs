using System.Text;

using OrleansInference.Grains.Inference;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class TextEncoderTests
{
    /// <summary>In BERT's order, by which [PAD] is 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, the 5, and so on.</summary>
    private static readonly (string, byte[]) Words = (
        "vocab.txt", Encoding.UTF8.GetBytes(string.Join(
            '\n',
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "un", "##afford", "##able", ".", "$", "5", "_", "cafe",
            "猫", "\u0416")));

    private static readonly (string, byte[])[] BytePairs =
    [
        (
            "vocab.json",
            """
            {"<unk>": 0, "h": 1, "e": 2, "l": 3, "o": 4, "Ġ": 5, "w": 6, "r": 7, "d": 8, "he": 9, "ll": 10, "hell": 11, "hello": 12, "Ġw": 13,
             "Ã": 14, "©": 15, "<s>": 16, "</s>": 17, "<pad>": 18}
            """u8.ToArray()),
        ("merges.txt", Encoding.UTF8.GetBytes("#version: 0.2\nh e\nl l\nhe ll\nhell o\nĠ w\n")),
    ];

    private const string WordPiece = "\"kind\": \"wordpiece\", \"file\": \"vocab.txt\"";
    private const string Bpe = "\"kind\": \"bpe\", \"file\": \"vocab.json\", \"merges\": \"merges.txt\"";

    [Fact]
    public void Texts_become_numbers_a_mask_and_types_of_the_length_that_the_network_takes()
    {
        using var model = Model(WordPiece + ", \"max_length\": 8", "\"attention_mask\": \"mask\", \"token_type_ids\": \"types\",", Words);

        var tensors = model.Preprocess(Text("The unaffordable cat.", ""));

        Assert.Equal(["ids", "mask", "types"], tensors.Select(tensor => tensor.Name));
        Assert.All(tensors, tensor => Assert.Equal([2, 8], tensor.Shape.ToArray()));
        Assert.Equal([2L, 5, 10, 11, 12, 6, 13, 3, 2, 3, 0, 0, 0, 0, 0, 0], tensors[0].ToArray<long>());
        Assert.Equal([1L, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], tensors[1].ToArray<long>());
        Assert.All(tensors[2].ToArray<long>(), type => Assert.Equal(0, type));
    }

    [Theory]
    [InlineData("the dog", new long[] { 2, 5, 1, 3 })]
    [InlineData("  The\tCAT\r\n", new long[] { 2, 5, 6, 3 })]
    [InlineData("$5_mat", new long[] { 2, 14, 15, 16, 9, 3 })]
    [InlineData("Café", new long[] { 2, 17, 3 })]
    [InlineData("CAFE\u0301", new long[] { 2, 17, 3 })]
    [InlineData("c\u200ba\u0007t", new long[] { 2, 6, 3 })]
    [InlineData("the\u00a0cat\u3000\nsat", new long[] { 2, 5, 6, 7, 3 })]
    [InlineData("the\U00020000cat", new long[] { 2, 5, 1, 6, 3 })]
    [InlineData("\u0416\u0436", new long[] { 2, 1, 3 })]
    [InlineData("猫猫", new long[] { 2, 18, 18, 3 })]
    [InlineData("the [MASK] sat", new long[] { 2, 5, 4, 7, 3 })]
    [InlineData("the [sep", new long[] { 2, 5, 1, 1, 3 })]
    public void Words_are_cut_as_in_bert(string text, long[] expected)
    {
        using var model = Model(WordPiece + ", \"max_length\": 16, \"padding\": \"longest\"", "", Words);

        Assert.Equal(expected, Assert.Single(model.Preprocess(Text(text))).ToArray<long>());
    }

    [Theory]
    [InlineData("true", new long[] { 2, 5, 6, 4, 1, 3 })]
    [InlineData("false", new long[] { 2, 1, 6, 4, 19, 3 })]
    public void Case_counts_where_it_is_asked_for(string lowerCase, long[] expected)
    {
        using var model = Model($"{WordPiece}, \"max_length\": 6, \"lower_case\": {lowerCase}", "", Words);

        Assert.Equal(expected, Assert.Single(model.Preprocess(Text("The cat [MASK] \u0416"))).ToArray<long>());
    }

    [Fact]
    public void The_longest_text_of_a_request_gives_the_length()
    {
        using var model = Model(WordPiece + ", \"max_length\": 8, \"padding\": \"longest\", \"pad_id\": 4", "", Words);

        var ids = Assert.Single(model.Preprocess(Text("the", "the cat sat")));

        Assert.Equal([2, 5], ids.Shape.ToArray());
        Assert.Equal([2L, 5, 3, 4, 4, 2, 5, 6, 7, 3], ids.ToArray<long>());
    }

    [Fact]
    public void A_text_of_one_token_too_many_is_cut_before_the_last_special_token()
    {
        using var model = Model(WordPiece + ", \"max_length\": 5", "", Words);

        Assert.Equal([2L, 5, 6, 7, 3], Assert.Single(model.Preprocess(Text("the cat sat"))).ToArray<long>());
        Assert.Equal([2L, 5, 10, 11, 3], Assert.Single(model.Preprocess(Text("the unaffordable cat"))).ToArray<long>());
    }

    [Fact]
    public void A_text_of_one_token_too_many_is_refused_where_none_may_be_cut()
    {
        using var model = Model(WordPiece + ", \"max_length\": 5, \"truncation\": false", "", Words);

        Assert.Equal([2L, 5, 6, 7, 3], Assert.Single(model.Preprocess(Text("the cat sat"))).ToArray<long>());
        model.AssertRefused("input 'text', row 1, has 6 tokens, the limit is 5", Text("the", "the cat sat on"));
    }

    [Fact]
    public void A_text_may_be_as_large_as_the_limit_and_no_larger()
    {
        using var model = Model(WordPiece + ", \"max_length\": 4", "", Words);

        Assert.Equal([2L, 6, 3, 0], Assert.Single(model.Preprocess(Text($"cat{new string(' ', TextEncoder.MaxTextBytes - 3)}"))).ToArray<long>());
        model.AssertRefused("input 'text', row 0, has 65537 bytes, the limit is 65536", Text(new string(' ', TextEncoder.MaxTextBytes + 1)));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_named_by_their_place()
    {
        using var model = Model(WordPiece + ", \"max_length\": 4", "", Words);

        model.AssertRefused(
            "input 'text', row 1, is no UTF-8 from byte 2 on",
            InferenceTensor.FromBytes("text", ["the"u8.ToArray(), (byte[])[(byte)'a', (byte)'b', 0xff]], 2, 1));
    }

    [Theory]
    [InlineData("", new long[] { 12, 13, 4, 7, 3, 8 })]
    [InlineData(", \"begin\": \"<s>\", \"end\": \"</s>\"", new long[] { 16, 12, 13, 4, 7, 3, 8, 17 })]
    public void Byte_pairs_are_merged_as_in_gpt2_and_special_tokens_are_added_as_in_roberta(string specials, long[] expected)
    {
        using var model = Model($"{Bpe}, \"max_length\": 8, \"padding\": \"longest\"{specials}", "", BytePairs);

        Assert.Equal(expected, Assert.Single(model.Preprocess(Text("hello world"))).ToArray<long>());
    }

    [Theory]
    [InlineData("true", new long[] { 12, 18, 18, 18, 18 })]
    [InlineData("false", new long[] { 0, 0, 0, 0, 0 })]
    public void Case_counts_among_byte_pairs_unless_that_is_not_asked_for(string lowerCase, long[] expected)
    {
        using var model = Model($"{Bpe}, \"max_length\": 5, \"lower_case\": {lowerCase}", "", BytePairs);

        Assert.Equal(expected, Assert.Single(model.Preprocess(Text("HELLO"))).ToArray<long>());
    }

    [Fact]
    public void Bytes_beyond_ascii_have_tokens_and_what_has_none_is_unknown()
    {
        using var model = Model(Bpe + ", \"max_length\": 5", "", BytePairs);

        Assert.Equal([14L, 15, 0, 0, 18], Assert.Single(model.Preprocess(Text("éxy"))).ToArray<long>());
    }

    [Fact]
    public void A_text_without_tokens_still_has_a_length_of_one()
    {
        using var model = Model(Bpe + ", \"max_length\": 8, \"padding\": \"longest\"", "\"attention_mask\": \"mask\",", BytePairs);

        var tensors = model.Preprocess(Text(""));

        Assert.Equal([18L], tensors[0].ToArray<long>());
        Assert.Equal([0L], tensors[1].ToArray<long>());
    }

    [Fact]
    public void Sentence_pieces_are_the_likeliest_and_special_tokens_are_those_of_the_model()
    {
        var pieces = ("tokenizer.model", SentencePieceFile.Write(SentencePieceFile.Unigram, "\u2581the", "\u2581", "c", "a", "t", "\u2581ca", "the"));
        const string Fields = "\"kind\": \"sentencepiece\", \"file\": \"tokenizer.model\", \"max_length\": 8";
        using var model = Model(Fields, "", pieces);
        using var ending = Model(Fields + ", \"begin\": \"\", \"end\": \"</s>\"", "", pieces);

        Assert.Equal([1L, 4, 9, 8, 3, 3, 3, 3], Assert.Single(model.Preprocess(Text("the cat"))).ToArray<long>());
        Assert.Equal([4L, 9, 8, 2, 3, 3, 3, 3], Assert.Single(ending.Preprocess(Text("the  cat "))).ToArray<long>());
        Assert.Equal([1L, 5, 0, 3, 3, 3, 3, 3], Assert.Single(model.Preprocess(Text("\u00df"))).ToArray<long>());
    }

    [Theory]
    [InlineData(SentencePieceFile.Unigram)]
    [InlineData(SentencePieceFile.Pairs)]
    public void A_text_of_a_single_character_is_not_lost(int algorithm)
    {
        var pieces = ("tokenizer.model", SentencePieceFile.Write(algorithm, "\u2581", "c", "a", "t", "ca", "cat"));
        using var model = Model("\"kind\": \"sentencepiece\", \"file\": \"tokenizer.model\", \"max_length\": 4", "", pieces);

        Assert.Equal([1L, 4, 6, 3, 1, 4, 6, 3, 1, 4, 9, 3], model.Preprocess(Text("a", " a ", "cat"))[0].ToArray<long>());
    }

    [Fact]
    public async Task Many_threads_share_a_tokenizer_and_get_what_one_gets()
    {
        var pieces = ("tokenizer.model", SentencePieceFile.Write(SentencePieceFile.Unigram, "\u2581the", "\u2581", "c", "a", "t", "\u2581ca", "the"));
        using var wordPiece = Model(WordPiece + ", \"max_length\": 64", "", Words);
        using var bytePairs = Model(Bpe + ", \"max_length\": 64", "", BytePairs);
        using var sentencePiece = Model("\"kind\": \"sentencepiece\", \"file\": \"tokenizer.model\", \"max_length\": 64", "", pieces);
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => $"the cat{(char)('a' + i % 26)} {i} hello world{new string('e', i % 20)} unaffordable")];

        foreach (var model in (ProcessedModel[])[wordPiece, bytePairs, sentencePiece])
        {
            using var start = new Barrier(4);
            var together = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return texts.Select(text => Assert.Single(model.Preprocess(Text(text))).ToArray<long>()).ToList();
                },
                TaskCreationOptions.LongRunning)));

            var alone = texts.Select(text => Assert.Single(model.Preprocess(Text(text))).ToArray<long>()).ToList();
            Assert.All(together, results => Assert.Equal(alone, results));
        }
    }

    [Fact]
    public void A_request_that_is_over_tokenizes_no_further_text()
    {
        using var model = Model(WordPiece + ", \"max_length\": 4", "", Words);
        var bound = Preprocessor.Bind(model.Version, ProcessedModel.Request(Text("the")));

        Assert.Throws<OperationCanceledException>(() => Preprocessor.Run(model.Version, bound, new(canceled: true)));
    }

    private static ProcessedModel Model(string tokenizer, string outputs, params (string, byte[])[] files) => new(
        $$"""
        "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [{"input": "text", "input_ids": "ids", {{outputs}} "tokenizer": { {{tokenizer}} } }]
        """,
        files);

    private static InferenceTensor Text(params string[] texts) => InferenceTensor.FromStrings("text", texts, texts.Length, 1);
}
