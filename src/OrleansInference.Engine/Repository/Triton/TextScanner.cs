using System.Globalization;
using System.Text;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>Splits protobuf's text format into words, numbers, strings and symbols, without blanks and comments.</summary>
internal sealed class TextScanner(string text)
{
    private const string Unclosed = "the string has no end on its line";
    private const string SimpleEscapes = "abfnrtv\\'\"?";
    private const string EscapedBytes = "\a\b\f\n\r\t\v\\'\"?";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private int _next;
    private int _line = 1;
    private int _lineStart;

    private char Current => At(0);

    /// <summary>The next token; of a string its content.</summary>
    public (TextKind Kind, string Text, TextPosition Position) Read()
    {
        SkipBlanks();
        var position = Here();
        if (_next == text.Length) return (TextKind.End, "", position);
        if (IsWord(Current) && !char.IsAsciiDigit(Current)) return (TextKind.Word, Take(IsWord), position);
        if (char.IsAsciiDigit(Current) || (Current == '.' && char.IsAsciiDigit(At(1)))) return (TextKind.Number, TakeNumber(), position);
        if (Current is '"' or '\'') return (TextKind.String, TakeString(position), position);
        return (TextKind.Symbol, text[_next++].ToString(), position);
    }

    private static bool IsWord(char character) => char.IsAsciiLetterOrDigit(character) || character == '_';

    private char At(int offset) => _next + offset < text.Length ? text[_next + offset] : '\0';

    private TextPosition Here() => new(_line, _next - _lineStart + 1);

    private void SkipBlanks()
    {
        for (; _next < text.Length; _next++)
        {
            if (Current == '#')
            {
                while (At(1) is not '\n' && _next + 1 < text.Length) _next++;
            }
            else if (Current == '\n')
            {
                _line++;
                _lineStart = _next + 1;
            }
            else if (!char.IsWhiteSpace(Current))
            {
                return;
            }
        }
    }

    private string Take(Func<char, bool> belongs)
    {
        var start = _next;
        while (_next < text.Length && belongs(Current)) _next++;
        return text[start.._next];
    }

    /// <summary>Whatever is glued to a number: whether that is one, its field decides.</summary>
    private string TakeNumber()
    {
        var number = Take(character => IsWord(character) || character == '.');
        // The sign of an exponent is the only one inside a number.
        return Current is '+' or '-' && number[^1] is 'e' or 'E' && !IsHexadecimal(number) ? number + text[_next++] + TakeNumber() : number;
    }

    private static bool IsHexadecimal(string number) => number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    private string TakeString(TextPosition start)
    {
        var (quote, bytes) = (text[_next++], new List<byte>());
        while (Current != quote)
        {
            if (_next == text.Length || Current == '\n') throw new TextFormatException(start, Unclosed);
            if (Current == '\\') TakeEscape(bytes);
            else bytes.AddRange(Encoding.UTF8.GetBytes(TakeRune()));
        }

        _next++;
        try
        {
            return Utf8.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            throw new TextFormatException(start, "the string is not UTF-8");
        }
    }

    private string TakeRune()
    {
        var length = char.IsSurrogatePair(Current, At(1)) ? 2 : 1;
        _next += length;
        return text[(_next - length).._next];
    }

    private void TakeEscape(List<byte> bytes)
    {
        var position = Here();
        if (++_next == text.Length) throw new TextFormatException(position, Unclosed);
        var simple = SimpleEscapes.IndexOf(Current, StringComparison.Ordinal);
        if (simple >= 0)
        {
            bytes.Add((byte)EscapedBytes[simple]);
            _next++;
        }
        else if (Current is >= '0' and <= '7')
        {
            bytes.Add((byte)TakeDigits(position, 8, 1, 3, byte.MaxValue));
        }
        else
        {
            var kind = Current;
            _next++;
            if (kind is 'x' or 'X') bytes.Add((byte)TakeDigits(position, 16, 1, 2, byte.MaxValue));
            else if (kind == 'u') Add(TakeDigits(position, 16, 4, 4, 0xFFFF));
            else if (kind == 'U') Add(TakeDigits(position, 16, 8, 8, 0x10FFFF));
            else throw new TextFormatException(position, $"'\\{kind}' is no escape");
        }

        void Add(int code)
        {
            if (!Rune.TryCreate(code, out var rune)) throw new TextFormatException(position, "the escape is no character");
            bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
        }
    }

    private int TakeDigits(TextPosition position, int radix, int fewest, int most, int largest)
    {
        var start = _next;
        while (_next - start < most && (radix == 8 ? Current is >= '0' and <= '7' : char.IsAsciiHexDigit(Current))) _next++;
        var digits = text[start.._next];
        if (digits.Length < fewest)
            throw new TextFormatException(position, string.Create(CultureInfo.InvariantCulture, $"the escape has {digits.Length} of {fewest} digits"));
        var value = Convert.ToInt64(digits, radix);
        return value <= largest ? (int)value : throw new TextFormatException(position, "the escape is no character");
    }
}
