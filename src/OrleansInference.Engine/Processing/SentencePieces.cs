using Microsoft.ML.Tokenizers;

namespace OrleansInference.Engine.Processing;

/// <summary>Tokenizers as XLM-R and Llama have them.</summary>
internal static class SentencePieces
{
    private const string EscapedSpace = "\u2581";

    public static SentencePieceTokenizer Read(string file)
    {
        using var stream = File.OpenRead(file);
        return SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }

    public static IReadOnlyList<int> Encode(SentencePieceTokenizer tokenizer, string text)
    {
        var tokens = tokenizer.EncodeToIds(text);
        if (tokens.Count > 0 || text.AsSpan().Trim(' ') is not { Length: 1 } letter) return tokens;
        // Where spaces are trimmed, the package's normalization of models that merge pairs loses a text of a single character.
        var space = !tokenizer.AddDummyPrefix ? "" : tokenizer.EscapeWhiteSpaces ? EscapedSpace : " ";
        var normalized = tokenizer.TreatWhitespaceAsSuffix ? $"{letter}{space}" : $"{space}{letter}";
        return tokenizer.EncodeToIds(normalized, considerNormalization: false);
    }
}
