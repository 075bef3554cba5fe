using OrleansInference.Engine.Processing;

namespace OrleansInference.Engine.Tests.Processing;

public sealed class WordPieceNormalizerTests
{
    [Theory]
    [InlineData("Nguy\u1ec5n \u00c9T\u00c9", "nguyen ete")]
    [InlineData("\u0397\u03bb\u03b5\u03ba\u03c4\u03c1\u03bf\u03bd\u03b9\u03ba\u03cc\u03c2 \u1f71", "\u03b7\u03bb\u03b5\u03ba\u03c4\u03c1\u03bf\u03bd\u03b9\u03ba\u03bf\u03c2 \u03b1")]
    [InlineData("\u0401\u0439", "\u0435\u0438")]
    [InlineData("\u304c", "\u304b")]
    [InlineData("\u0130I", "ii")]
    [InlineData("\u00e6\u00df\u00f8", "\u00e6\u00df\u00f8")]
    [InlineData("e\u0301\u0323", "e")]
    public void Letters_become_small_and_lose_their_accents(string text, string expected) =>
        Assert.Equal(expected, new WordPieceNormalizer(lowerCase: true).Normalize(text));

    [Theory]
    [InlineData("a\tb\r\nc\u2003d", "a b  c d")]
    [InlineData("\u00c9a\u0301", "\u00c9a\u0301")]
    [InlineData("a\0b\u0007\u200d\ufeff\ufffdc", "abc")]
    [InlineData("a\u4e00b", "a \u4e00 b")]
    [InlineData("\u304b\uac00", "\u304b\uac00")]
    public void Otherwise_only_spaces_and_what_cannot_be_seen_change(string text, string expected) =>
        Assert.Equal(expected, new WordPieceNormalizer(lowerCase: false).Normalize(text));
}
