using System.Globalization;
using System.Text;

using Microsoft.ML.Tokenizers;

namespace OrleansInference.Engine.Processing;

/// <summary>
/// What BERT does to a text before it is cut: marks that cannot be seen go, every kind of space is a space, and Chinese characters stand
/// alone. The package's own would join the words before and after a line break.
/// </summary>
/// <param name="lowerCase">Whether letters become small, and lose their accents.</param>
internal sealed class WordPieceNormalizer(bool lowerCase) : Normalizer
{
    public override string Normalize(string original) => Normalize(original.AsSpan());

    public override string Normalize(ReadOnlySpan<char> original)
    {
        var text = new StringBuilder(original.Length);
        foreach (var rune in original.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            if (rune.Value is '\t' or '\n' or '\r' || category == UnicodeCategory.SpaceSeparator) text.Append(' ');
            else if (IsChinese(rune.Value)) text.Append(' ').Append(rune).Append(' ');
            else if (IsVisible(rune, category)) Append(text, rune, category);
        }

        return text.ToString();
    }

    private void Append(StringBuilder text, Rune rune, UnicodeCategory category)
    {
        if (!lowerCase)
        {
            text.Append(rune);
            return;
        }

        if (category == UnicodeCategory.NonSpacingMark) return;
        var small = Rune.ToLowerInvariant(rune);
        text.Append(small.IsBmp ? new Rune(Accents.Remove((char)small.Value)) : small);
    }

    private static bool IsVisible(Rune rune, UnicodeCategory category) =>
        rune != Rune.ReplacementChar
        && category is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    /// <summary>The blocks of ideographs that BERT counts; Japanese and Korean letters are not among them.</summary>
    private static bool IsChinese(int value) =>
        value is (>= 0x4e00 and <= 0x9fff) or (>= 0x3400 and <= 0x4dbf) or (>= 0x20000 and <= 0x2a6df) or (>= 0x2a700 and <= 0x2b73f)
            or (>= 0x2b740 and <= 0x2b81f) or (>= 0x2b820 and <= 0x2ceaf) or (>= 0xf900 and <= 0xfaff) or (>= 0x2f800 and <= 0x2fa1f);
}
