using System.Globalization;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>A field as protobuf's text format has it, before anything is known of its type.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="Values">One value, or those of a list.</param>
/// <param name="IsList">Whether they stood in brackets.</param>
/// <param name="Position">Where the name stands.</param>
internal sealed record TextField(string Name, IReadOnlyList<TextValue> Values, bool IsList, TextPosition Position);

/// <summary>A value: a scalar as it is written, or the fields of a message.</summary>
internal sealed record TextValue(TextKind Kind, string Text, IReadOnlyList<TextField> Fields, TextPosition Position);

/// <summary>What a value or a token is by its looks. Symbols and the end are tokens alone, messages values alone.</summary>
internal enum TextKind
{
    Word,
    Number,
    String,
    Message,
    Symbol,
    End,
}

/// <summary>A place in a text; both numbers count from 1, and the column in characters.</summary>
internal readonly record struct TextPosition(int Line, int Column)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Line}:{Column}");
}

/// <summary>The text is not what it should be at one place.</summary>
internal sealed class TextFormatException(TextPosition position, string message) : Exception(message)
{
    public TextPosition Position => position;
}
