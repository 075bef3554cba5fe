using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Reads what almost all tensors in JSON are, a flat array of plain numbers, straight from the text: a JSON reader spends most of its time
/// between the numbers. Everything else, and everything that is wrong, is left to the reader, which knows what to say of it.
/// </summary>
internal static class FlatNumbers
{
    /// <summary>The largest integer up to which all are doubles.</summary>
    private const ulong MaxExactInteger = 1UL << 53;

    /// <summary>The powers of ten that are doubles.</summary>
    private static readonly double[] PowersOfTen =
        [.. Enumerable.Range(0, 23).Select(exponent => double.Parse($"1e{exponent}", CultureInfo.InvariantCulture))];

    /// <summary>Reads an array of FP32 and moves the reader behind it.</summary>
    /// <param name="reader">Stands on the name of the property that holds the array.</param>
    /// <param name="text">What the reader reads, in one piece; what it reads afterwards.</param>
    /// <param name="count">The number of elements that there must be.</param>
    /// <param name="elements">The elements, as a tensor holds them.</param>
    /// <returns>False where the text is anything else; the reader has not moved then.</returns>
    public static bool TryRead(ref Utf8JsonReader reader, ref ReadOnlySpan<byte> text, long count, out byte[] elements)
    {
        elements = [];
        var array = reader;
        if (!array.Read() || array.TokenType != JsonTokenType.StartArray) return false;
        var rest = text[(int)array.BytesConsumed..];
        // Each element takes a digit and a comma at least: a shape that claims more than there can be allocates nothing.
        if (count == 0 || count > (rest.Length + 1) / 2) return false;
        var at = 0;
        SkipSpace(rest, ref at);
        if (at < rest.Length && rest[at] == '[') return false;
        var bytes = GC.AllocateUninitializedArray<byte>((int)count * sizeof(float));
        var numbers = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        var last = 0;
        for (var i = 0; i < numbers.Length; i++)
        {
            SkipSpace(rest, ref at);
            last = at;
            if (!TryReadNumber(rest, ref at, out numbers[i])) return false;
            SkipSpace(rest, ref at);
            if (at == rest.Length || rest[at++] != (i == numbers.Length - 1 ? ']' : ',')) return false;
        }

        // A reader cannot be told to jump: a new one takes over within the array, at its last element.
        text = rest[last..];
        elements = bytes;
        reader = new(text, isFinalBlock: true, array.CurrentState);
        return reader.Read() && reader.Read();
    }

    /// <summary>
    /// Reads a number as JSON writes it. Most have so few digits that they are an exact integer times or over an exact power of ten, which
    /// one operation rounds correctly (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990).
    /// </summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> text, ref int at, out float value)
    {
        value = 0;
        var start = at;
        var isNegative = at < text.Length && text[at] == '-';
        if (isNegative) at++;
        var mantissa = 0UL;
        var exponent = 0;
        var first = at;
        ReadDigits(text, ref at, ref mantissa);
        var digits = at - first;
        if (digits == 0 || (digits > 1 && text[first] == '0')) return false;
        if (at < text.Length && text[at] == '.')
        {
            var point = ++at;
            ReadDigits(text, ref at, ref mantissa);
            if (at == point) return false;
            exponent = point - at;
            digits -= exponent;
        }

        if (at < text.Length && (text[at] | 0x20) == 'e')
        {
            if (!TryReadExponent(text, ref at, ref exponent)) return false;
        }

        const int MaxDigits = 19;
        if (digits <= MaxDigits && mantissa <= MaxExactInteger && Math.Abs(exponent) < PowersOfTen.Length)
        {
            var exact = exponent < 0 ? mantissa / PowersOfTen[-exponent] : mantissa * PowersOfTen[exponent];
            // To round twice is to round once, unless the first rounding ends halfway between two floats.
            const ulong BelowFloat = (1UL << 29) - 1, Halfway = 1UL << 28;
            if ((BitConverter.DoubleToUInt64Bits(exact) & BelowFloat) != Halfway)
            {
                value = (float)(isNegative ? -exact : exact);
                return true;
            }
        }

        return Utf8Parser.TryParse(text[start..at], out value, out var used) && used == at - start && float.IsFinite(value);
    }

    private static void ReadDigits(ReadOnlySpan<byte> text, ref int at, ref ulong mantissa)
    {
        while (at < text.Length && (uint)(text[at] - '0') is var digit and < 10)
        {
            mantissa = (mantissa * 10) + digit;
            at++;
        }
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, ref int at, ref int exponent)
    {
        const int MaxDigits = 4;
        at++;
        var isNegative = at < text.Length && text[at] == '-';
        if (at < text.Length && (text[at] is (byte)'+' or (byte)'-')) at++;
        var first = at;
        var power = 0UL;
        ReadDigits(text, ref at, ref power);
        if (at == first || at - first > MaxDigits) return false;
        exponent += isNegative ? -(int)power : (int)power;
        return true;
    }

    private static void SkipSpace(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length && (text[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')) at++;
    }
}
