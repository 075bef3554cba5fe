using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Tests.Repository;

namespace OrleansInference.Engine.Tests.Processing;

public sealed class TextReaderTests : IDisposable
{
    private const string WordPiece = "\"kind\": \"wordpiece\", \"file\": \"vocab.txt\"";
    private const string Bpe = "\"kind\": \"bpe\", \"file\": \"vocab.json\", \"merges\": \"merges.txt\"";

    private const string BrokenMerges = "\"kind\": \"bpe\", \"file\": \"vocab.json\", \"merges\": \"broken.txt\"";
    private const string BrokenPairs = "\"kind\": \"bpe\", \"file\": \"vocab.txt\", \"merges\": \"merges.txt\"";

    private readonly ConfigFolder _folder = new();

    public TextReaderTests()
    {
        _folder.Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n");
        _folder.Write("vocab.json", """{"<unk>": 0, "a": 1, "b": 2, "ab": 3, "<s>": 4, "<pad>": 5}""");
        _folder.Write("merges.txt", "#version: 0.2\na b\n");
        _folder.Write("broken.txt", "the\nthe\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_becomes_the_inputs_that_are_named()
    {
        var config = _folder.Sound(Text(WordPiece + ", \"max_length\": 16", "\"attention_mask\": \"mask\", \"token_type_ids\": \"types\","));

        var text = Assert.IsType<TextPreprocessing>(Assert.Single(config.Preprocessing));
        Assert.Equal((16, true, true), (text.MaxLength, text.IsFilledToMaxLength, text.IsCut));
        Assert.Equal([2], text.Vocabulary.Begin);
        Assert.Equal([3], text.Vocabulary.End);
        Assert.Equal(0, text.Vocabulary.Padding);
        var network = ModelSignatures.OfNetwork(config).Inputs;
        Assert.Equal(["ids", "mask", "types"], network.Select(input => input.Name));
        Assert.All(network, input => Assert.Equal([-1, 16], input.Shape));
    }

    [Fact]
    public void Texts_of_the_longest_have_an_open_dimension_and_only_the_inputs_that_are_named()
    {
        var config = _folder.Sound(Text(
            Bpe + ", \"max_length\": 8, \"padding\": \"longest\", \"truncation\": false, \"begin\": \"<s>\", \"lower_case\": true"));

        var text = Assert.IsType<TextPreprocessing>(Assert.Single(config.Preprocessing));
        Assert.Equal((8, false, false), (text.MaxLength, text.IsFilledToMaxLength, text.IsCut));
        Assert.Equal([4], text.Vocabulary.Begin);
        Assert.Empty(text.Vocabulary.End);
        Assert.Equal(5, text.Vocabulary.Padding);
        Assert.Equal([-1, -1], Assert.Single(ModelSignatures.OfNetwork(config).Inputs).Shape);
    }

    [Fact]
    public void The_padding_may_be_given()
    {
        var config = _folder.Sound(Text(WordPiece + ", \"max_length\": 16, \"pad_id\": 4"));

        Assert.Equal(4, Assert.IsType<TextPreprocessing>(config.Preprocessing[0]).Vocabulary.Padding);
    }

    [Theory]
    [InlineData(WordPiece, "tokenizer.max_length: is missing")]
    [InlineData(WordPiece + ", \"max_length\": 2", "tokenizer.max_length: 2 is not an integer from 3")]
    [InlineData(WordPiece + ", \"max_length\": 65537", "to 65536")]
    [InlineData(WordPiece + ", \"max_length\": 8, \"padding\": \"left\"", "tokenizer.padding: \"left\" is not one of max_length, longest")]
    [InlineData(WordPiece + ", \"max_length\": 8, \"pad_id\": -1", "tokenizer.pad_id: -1 is not an integer")]
    [InlineData(WordPiece + ", \"max_length\": 8, \"truncation\": 1", "tokenizer.truncation: 1 is not true or false")]
    [InlineData(WordPiece + ", \"max_length\": 8, \"merges\": \"merges.txt\"", "tokenizer.merges: unknown")]
    [InlineData("\"kind\": \"words\", \"file\": \"vocab.txt\", \"max_length\": 8", "tokenizer.kind: \"words\" is not one of wordpiece, bpe, sentencepiece")]
    [InlineData("\"file\": \"vocab.txt\", \"max_length\": 8", "tokenizer.kind: is missing")]
    [InlineData("\"kind\": \"wordpiece\", \"max_length\": 8", "tokenizer.file: is missing")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"none.txt\", \"max_length\": 8", "tokenizer.file: there is no file 'none.txt'")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"../model/vocab.txt\", \"max_length\": 8", "tokenizer.file: there is no file '../model/vocab.txt'")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"\", \"max_length\": 8", "tokenizer.file: there is no file ''")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"a\\u0000b\", \"max_length\": 8", "tokenizer.file: there is no file 'a\0b'")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"..\", \"max_length\": 8", "tokenizer.file: there is no file '..'")]
    [InlineData("\"kind\": \"wordpiece\", \"file\": \"broken.txt\", \"max_length\": 8", "tokenizer.file: 'broken.txt' is no such tokenizer's file")]
    [InlineData("\"kind\": \"sentencepiece\", \"file\": \"vocab.txt\", \"max_length\": 8", "tokenizer.file: 'vocab.txt' is no such tokenizer's file")]
    [InlineData("\"kind\": \"bpe\", \"file\": \"vocab.json\", \"max_length\": 8", "tokenizer.merges: is missing")]
    [InlineData(BrokenMerges + ", \"max_length\": 8", "tokenizer.file: 'vocab.json' is no such tokenizer's file")]
    [InlineData(BrokenPairs + ", \"max_length\": 8", "tokenizer.file: 'vocab.txt' is no such tokenizer's file")]
    [InlineData(Bpe + ", \"max_length\": 8, \"end\": \"</s>\"", "tokenizer.end: the vocabulary has no '</s>'")]
    public void Impossible_tokenizers_are_refused(string tokenizer, string expected) => _folder.AssertError(expected, Text(tokenizer));

    [Fact]
    public void A_vocabulary_without_padding_needs_it_to_be_given()
    {
        _folder.Write("vocab.json", """{"<unk>": 0, "a": 1, "b": 2, "ab": 3}""");

        _folder.AssertError("tokenizer.pad_id: is missing: the vocabulary has no <pad>", Text(Bpe + ", \"max_length\": 8"));
        Assert.NotNull(_folder.Sound(Text(Bpe + ", \"max_length\": 8, \"pad_id\": 0")));
    }

    [Fact]
    public void A_vocabulary_that_would_pass_over_bytes_in_silence_is_refused()
    {
        _folder.Write("vocab.json", """{"a": 1, "b": 2, "ab": 3, "<pad>": 5}""");

        _folder.AssertError("it has no token for the byte 0x00, and no <unk>", Text(Bpe + ", \"max_length\": 8"));
    }

    [Fact]
    public void A_file_of_one_byte_more_than_the_limit_is_not_read()
    {
        const int Limit = 64 * 1024 * 1024;
        using (var file = File.Create(_folder.Write("large.txt", ""))) file.SetLength(Limit + 1);

        _folder.AssertError(
            $"tokenizer.file: 'large.txt' has {Limit + 1} bytes, the limit is {Limit}",
            Text("\"kind\": \"wordpiece\", \"file\": \"large.txt\", \"max_length\": 8"));
    }

    [Theory]
    [InlineData("\"attention_mask\": \"ids\",", "two of the network's inputs have the same name")]
    [InlineData("\"output\": \"ids\",", "preprocessing[0].output: unknown")]
    public void Impossible_outputs_are_refused(string outputs, string expected) =>
        _folder.AssertError(expected, Text(WordPiece + ", \"max_length\": 8", outputs));

    [Fact]
    public void A_tokenizer_that_is_no_object_is_one_error() =>
        Assert.Equal(
            "preprocessing[0].tokenizer: \"bert\" is not an object",
            Assert.Single(_folder.Errors(Text("", "").Replace("{  }", "\"bert\"", StringComparison.Ordinal))));

    private static string Text(string tokenizer, string outputs = "") =>
        $$"""
        "max_batch_size": 4,
        "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [{"input": "text", {{outputs}} "input_ids": "ids", "tokenizer": { {{tokenizer}} } }]
        """;
}
