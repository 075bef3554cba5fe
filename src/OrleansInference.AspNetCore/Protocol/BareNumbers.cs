using System.Buffers;
using System.Text.Json;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// The protocol's clients write <c>NaN</c>, <c>Infinity</c>, <c>Inf</c> and their negatives bare into tensor data, which JSON does not
/// know. Where they occur they are turned into strings with a mark that no client writes, for the JSON reader to pass on.
/// </summary>
internal static class BareNumbers
{
    /// <summary>The longer words first, since the shorter ones are their beginnings.</summary>
    private static readonly (byte[] Bare, byte[] Marked)[] Words =
    [
        ("-Infinity"u8.ToArray(), "\"\\u0001-Inf\""u8.ToArray()),
        ("-Inf"u8.ToArray(), "\"\\u0001-Inf\""u8.ToArray()),
        ("Infinity"u8.ToArray(), "\"\\u0001Inf\""u8.ToArray()),
        ("Inf"u8.ToArray(), "\"\\u0001Inf\""u8.ToArray()),
        ("NaN"u8.ToArray(), "\"\\u0001NaN\""u8.ToArray()),
    ];

    /// <summary>The JSON with its bare numbers marked; the same where it has none, which costs no more than looking.</summary>
    public static ReadOnlySequence<byte> Mark(ReadOnlySequence<byte> json)
    {
        if (!new SequenceReader<byte>(json).TryReadTo(out ReadOnlySequence<byte> _, "NaN"u8) &&
            !new SequenceReader<byte>(json).TryReadTo(out ReadOnlySequence<byte> _, "Inf"u8))
        {
            return json;
        }

        ReadOnlySpan<byte> rest = json.ToArray();
        var marked = new ArrayBufferWriter<byte>(rest.Length);
        while (!rest.IsEmpty)
        {
            var next = rest.IndexOfAny("\"-IN"u8);
            if (next < 0) break;
            marked.Write(rest[..next]);
            rest = rest[next..];
            var length = MarkWord(rest, marked);
            if (length == 0)
            {
                length = rest[0] == '"' ? LengthOfString(rest) : 1;
                marked.Write(rest[..length]);
            }

            rest = rest[length..];
        }

        marked.Write(rest);
        return new(marked.WrittenMemory);
    }

    /// <summary>Reads a string that stands for a number that JSON does not know.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, out double value)
    {
        value = 0;
        // The mark is written as an escape.
        if (!reader.ValueIsEscaped) return false;
        value = reader.ValueTextEquals("\u0001NaN") ? double.NaN
            : reader.ValueTextEquals("\u0001Inf") ? double.PositiveInfinity
            : reader.ValueTextEquals("\u0001-Inf") ? double.NegativeInfinity
            : 0;
        return !double.IsFinite(value);
    }

    /// <summary>Writes the marked form of the word at the beginning, if there is one.</summary>
    /// <returns>The word's length; 0 where there is none.</returns>
    private static int MarkWord(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> marked)
    {
        foreach (var (bare, quoted) in Words)
        {
            if (!text.StartsWith(bare)) continue;
            marked.Write(quoted);
            return bare.Length;
        }

        return 0;
    }

    /// <summary>The length of the string at the beginning, with its quotation marks; all that is left where it does not end.</summary>
    private static int LengthOfString(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') return i + 1;
        }

        return text.Length;
    }
}
