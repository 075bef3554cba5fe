using System.Buffers;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// Finds where each document ends in a body of many that arrives in pieces: one on each line, or, where the body begins with a bracket,
/// the elements of a JSON array. It looks at no byte twice, and leaves what a document says to whoever reads it.
/// </summary>
internal sealed class RequestSplitter
{
    private Place _place;

    /// <summary>How much of the document that has begun has been looked at.</summary>
    private long _scanned;

    /// <summary>Where in the whole body the bytes begin that come next.</summary>
    private long _offset;

    private long _depth;
    private bool _isInString;
    private bool _isEscaped;

    private enum Place
    {
        Start,
        BetweenLines,
        InLine,
        BehindBracket,
        BehindComma,
        InElement,
        InWord,
        BehindElement,
        BehindArray,
    }

    private bool IsInDocument => _place is Place.InLine or Place.InElement or Place.InWord;

    /// <summary>Finds the next document.</summary>
    /// <param name="bytes">The body from the end of the document before, or else from the beginning of what was only part of one.</param>
    /// <param name="isLast">Whether the body ends with them.</param>
    /// <param name="document">The document, or as much of it as there is; empty, at the end of the bytes, where none has begun.</param>
    /// <returns>Whether it is whole. No other document follows where it is not although the body has ended.</returns>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/>: there is something else than a document, or the array has no end.
    /// </exception>
    public bool TryRead(ReadOnlySequence<byte> bytes, bool isLast, out ReadOnlySequence<byte> document)
    {
        var reader = new SequenceReader<byte>(bytes);
        if (IsInDocument) reader.Advance(_scanned);
        var hasBegun = IsInDocument || FindStart(ref reader);
        var start = reader.Consumed - _scanned;
        var isWhole = hasBegun && FindEnd(ref reader, isLast);
        _scanned = reader.Consumed - start;
        document = bytes.Slice(start, _scanned);
        _offset += start;
        if (isWhole)
        {
            _place = _place == Place.InLine ? Place.BetweenLines : Place.BehindElement;
            Drop();
        }
        else if (isLast && _place is not (Place.Start or Place.BetweenLines or Place.BehindArray))
        {
            throw Broken("it ends before the array does");
        }

        return isWhole;
    }

    /// <summary>Gives up the bytes of a document that is not whole: those that come next are the ones behind them.</summary>
    public void Drop()
    {
        _offset += _scanned;
        _scanned = 0;
    }

    private bool FindStart(ref SequenceReader<byte> reader)
    {
        while (true)
        {
            reader.AdvancePastAny(" \t\r\n"u8);
            if (!reader.TryPeek(out var next)) return false;
            _place = (_place, next) switch
            {
                (Place.Start, (byte)'[') => Place.BehindBracket,
                (Place.Start or Place.BetweenLines, _) => Place.InLine,
                (Place.BehindBracket or Place.BehindComma, (byte)'{' or (byte)'[' or (byte)'"') => Place.InElement,
                (Place.BehindBracket or Place.BehindComma, _) when IsOfWord(next) => Place.InWord,
                (Place.BehindElement, (byte)',') => Place.BehindComma,
                (Place.BehindBracket or Place.BehindElement, (byte)']') => Place.BehindArray,
                _ => throw Broken(Expected(), reader.Consumed),
            };
            if (IsInDocument) return true;
            reader.Advance(1);
        }
    }

    private bool FindEnd(ref SequenceReader<byte> reader, bool isLast)
    {
        if (_place == Place.InElement) return FindEndOfElement(ref reader);
        if (_place == Place.InWord)
        {
            while (reader.TryPeek(out var next) && IsOfWord(next)) reader.Advance(1);
            return !reader.End;
        }

        if (reader.TryAdvanceTo((byte)'\n', advancePastDelimiter: false)) return true;
        reader.AdvanceToEnd();
        return isLast;
    }

    private bool FindEndOfElement(ref SequenceReader<byte> reader)
    {
        while (true)
        {
            if (_isEscaped)
            {
                if (!reader.TryRead(out _)) return false;
                _isEscaped = false;
            }

            if (!reader.TryAdvanceToAny(_isInString ? "\"\\"u8 : "\"{}[]"u8, advancePastDelimiter: false))
            {
                reader.AdvanceToEnd();
                return false;
            }

            reader.TryRead(out var found);
            if (found == '"') _isInString = !_isInString;
            else if (_isInString) _isEscaped = true;
            else _depth += found is (byte)'{' or (byte)'[' ? 1 : -1;
            if (_depth == 0 && !_isInString) return true;
        }
    }

    /// <summary>Whether a byte may be one of a number or a word: they are no requests, but the next ones may be.</summary>
    private static bool IsOfWord(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'+' or (byte)'.';

    private string Expected() => _place switch
    {
        Place.BehindElement => "there is neither a comma nor the array's end behind a request",
        Place.BehindArray => "something follows the array",
        _ => "there is no request where one should begin",
    };

    private InferenceException Broken(string what, long offset = 0) => new(
        InferenceError.InvalidArgument, $"failed to parse the array of requests: {what} | byte {_offset + offset} of the body");
}
