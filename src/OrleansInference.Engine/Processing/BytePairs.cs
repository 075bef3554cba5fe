using Microsoft.ML.Tokenizers;

namespace OrleansInference.Engine.Processing;

/// <summary>Tokenizers as GPT-2 and RoBERTa have them, which merge bytes.</summary>
internal static class BytePairs
{
    /// <exception cref="InvalidDataException">There are bytes of which no token can be made.</exception>
    public static BpeTokenizer Read(string file, string merges, bool lowerCase, string unknown)
    {
        var options = new BpeOptions(file, merges)
        {
            ByteLevel = true,
            PreTokenizer = RobertaPreTokenizer.Instance,
            Normalizer = lowerCase ? LowerCaseNormalizer.Instance : null,
        };
        var tokens = options.Vocabulary.Select(token => token.Key).ToHashSet();
        if (tokens.Contains(unknown)) options.UnknownToken = unknown;
        // The tokenizer would pass over them in silence.
        else if (Enumerable.Range(0, 256).FirstOrDefault(value => !tokens.Contains(ToToken((byte)value)), -1) is >= 0 and var missing)
            throw new InvalidDataException($"it has no token for the byte 0x{missing:x2}, and no {unknown}");
        return BpeTokenizer.Create(options);
    }

    /// <summary>The character that stands for a byte: its own where that can be seen, else one of those from 256 on, in order.</summary>
    private static string ToToken(byte value)
    {
        return IsVisible(value)
            ? ((char)value).ToString()
            : ((char)(256 + Enumerable.Range(0, value).Count(before => !IsVisible(before)))).ToString();

        static bool IsVisible(int value) => value is (>= '!' and <= '~') or (>= '\u00a1' and <= '\u00ac') or >= '\u00ae';
    }
}
