using System.Text;

using OrleansInference.Engine.Processing;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Makes tokens of texts, as a <see cref="TextPreprocessing"/> says.</summary>
internal static class TextEncoder
{
    /// <summary>
    /// Byte pairs of a text without a space are merged in a time that grows with the square of its length. So many take some 0.4 s,
    /// which nothing can cut short.
    /// </summary>
    public const int MaxTextBytes = 64 * 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <returns>The network's inputs.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a text is too long, or no text.</exception>
    public static IEnumerable<InferenceTensor> Encode(InferenceTensor input, TextPreprocessing text, CancellationToken cancellationToken)
    {
        var texts = input.ToBytes();
        var tokens = new IReadOnlyList<int>[texts.Count];
        for (var row = 0; row < tokens.Length; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            tokens[row] = Tokenize(texts[row], text, $"input '{input.Name}', row {row},");
        }

        // A network need not take tensors without elements.
        var length = text.IsFilledToMaxLength ? text.MaxLength : Math.Max(1, tokens.Max(row => row.Count));
        var ids = new RowsBuilder<long>(text.InputIds, tokens.Length, length);
        var mask = text.AttentionMask is null ? null : new RowsBuilder<long>(text.AttentionMask, tokens.Length, length);
        for (var row = 0; row < tokens.Length; row++)
        {
            var (numbers, count) = (tokens[row], tokens[row].Count);
            var filled = ids[row];
            for (var i = 0; i < count; i++) filled[i] = numbers[i];
            filled[count..].Fill(text.Vocabulary.Padding);
            if (mask is not null) mask[row][..count].Fill(1);
        }

        yield return ids.ToTensor();
        if (mask is not null) yield return mask.ToTensor();
        if (text.TokenTypeIds is not null) yield return new RowsBuilder<long>(text.TokenTypeIds, tokens.Length, length).ToTensor();
    }

    private static IReadOnlyList<int> Tokenize(ReadOnlyMemory<byte> encoded, TextPreprocessing text, string place)
    {
        if (encoded.Length > MaxTextBytes) throw Invalid($"{place} has {encoded.Length} bytes, the limit is {MaxTextBytes}");
        var vocabulary = text.Vocabulary;
        var own = vocabulary.Encode(Decode(encoded, place));
        var room = text.MaxLength - vocabulary.Begin.Count - vocabulary.End.Count;
        if (own.Count > room && !text.IsCut)
            throw Invalid($"{place} has {own.Count + text.MaxLength - room} tokens, the limit is {text.MaxLength}");
        return [.. vocabulary.Begin, .. own.Take(room), .. vocabulary.End];
    }

    private static string Decode(ReadOnlyMemory<byte> encoded, string place)
    {
        try
        {
            return Utf8.GetString(encoded.Span);
        }
        catch (DecoderFallbackException exception)
        {
            throw Invalid($"{place} is no UTF-8 from byte {exception.Index} on");
        }
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
