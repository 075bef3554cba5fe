using System.Globalization;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>Reads protobuf's text format into a tree, knowing nothing of the message that it stands for.</summary>
internal sealed class TextFormatReader
{
    /// <summary>The deepest message in Triton's configuration lies half as deep; each takes its part of the stack.</summary>
    public const int MaxDepth = 16;

    private readonly TextScanner _scanner;
    private TextKind _kind;
    private string _text = "";
    private TextPosition _position;

    private TextFormatReader(string text) => _scanner = new(text);

    /// <exception cref="TextFormatException">The first thing that is not as it should be.</exception>
    public static IReadOnlyList<TextField> Read(string text)
    {
        var reader = new TextFormatReader(text);
        reader.Advance();
        return reader.ReadFields(end: null, depth: 0);
    }

    /// <param name="end">What closes the message; null for the end of the text.</param>
    /// <param name="depth">How many messages are open.</param>
    private List<TextField> ReadFields(string? end, int depth)
    {
        if (depth > MaxDepth)
            throw new TextFormatException(_position, string.Create(CultureInfo.InvariantCulture, $"messages lie more than {MaxDepth} deep"));
        var fields = new List<TextField>();
        while (end is null ? _kind != TextKind.End : !Is(end))
        {
            if (_kind != TextKind.Word) throw Unexpected(end is null ? "the name of a field" : $"the name of a field or '{end}'");
            fields.Add(ReadField(depth));
            if (Is(",") || Is(";")) Advance();
        }

        return fields;
    }

    private TextField ReadField(int depth)
    {
        var (name, position) = (_text, _position);
        Advance();
        var hasColon = TryTake(":");
        if (!Is("[")) return new(name, [ReadValue(hasColon, depth)], IsList: false, position);
        Advance();
        var values = new List<TextValue>();
        while (!Is("]"))
        {
            if (values.Count > 0) Take(",");
            values.Add(ReadValue(hasColon, depth));
        }

        Advance();
        return new(name, values, IsList: true, position);
    }

    private TextValue ReadValue(bool hasColon, int depth)
    {
        var position = _position;
        if (Is("{") || Is("<"))
        {
            var end = Is("{") ? "}" : ">";
            Advance();
            var fields = ReadFields(end, depth + 1);
            Advance();
            return new(TextKind.Message, "", fields, position);
        }

        if (!hasColon) throw Unexpected("':' or '{'");
        return _kind == TextKind.String ? ReadString(position) : ReadScalar(position);
    }

    /// <summary>Strings that stand side by side are one.</summary>
    private TextValue ReadString(TextPosition position)
    {
        var text = "";
        for (; _kind == TextKind.String; Advance()) text += _text;
        return new(TextKind.String, text, [], position);
    }

    private TextValue ReadScalar(TextPosition position)
    {
        var sign = TryTake("-") ? "-" : "";
        if (_kind is not (TextKind.Word or TextKind.Number)) throw Unexpected("a value");
        var value = new TextValue(_kind, sign + _text, [], position);
        Advance();
        return value;
    }

    private bool Is(string symbol) => _kind == TextKind.Symbol && _text == symbol;

    private bool TryTake(string symbol)
    {
        if (!Is(symbol)) return false;
        Advance();
        return true;
    }

    private void Take(string symbol)
    {
        if (!TryTake(symbol)) throw Unexpected($"'{symbol}'");
    }

    private void Advance() => (_kind, _text, _position) = _scanner.Read();

    private TextFormatException Unexpected(string expected) =>
        new(_position, $"expected {expected}, but {(_kind == TextKind.End ? "the file ends" : $"found '{_text}'")}");
}
