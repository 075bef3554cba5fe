using System.Text.RegularExpressions;

using Microsoft.ML.Tokenizers;

namespace OrleansInference.Engine.Processing;

/// <summary>Tokenizers as BERT has them.</summary>
internal static partial class WordPiece
{
    /// <summary>Knows no word.</summary>
    public static readonly BertTokenizer Empty = BertTokenizer.Create(new MemoryStream("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"u8.ToArray()));

    public static BertTokenizer Read(string file, bool lowerCase) => BertTokenizer.Create(file, new()
    {
        LowerCaseBeforeTokenization = lowerCase,
        Normalizer = new WordPieceNormalizer(lowerCase),
        PreTokenizer = new RegexPreTokenizer(lowerCase ? LowerCaseWords() : Words(), specialTokens: null),
    });

    /// <summary>
    /// Words and single marks. The package's own would drop symbols such as + and $ and would not cut at underscores: in BERT all of
    /// ASCII that is no letter, digit or space is a mark.
    /// </summary>
    [GeneratedRegex(@"\[(?:UNK|CLS|SEP|PAD|MASK)\]|[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+")]
    private static partial Regex Words();

    [GeneratedRegex(@"\[(?:unk|cls|sep|pad|mask)\]|[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+")]
    private static partial Regex LowerCaseWords();
}
