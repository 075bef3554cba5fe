using Microsoft.ML.Tokenizers;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Makes tokens of a text: INT64 tensors of a number per token.</summary>
/// <param name="Input">The BYTES input that holds a text per row.</param>
/// <param name="InputIds">The network's input that takes each token's number in the vocabulary.</param>
/// <param name="AttentionMask">The network's input that takes 1 for each token, and 0 for what is filled up; null where it has none.</param>
/// <param name="TokenTypeIds">The network's input that takes 0 for each token, since all are of one text; null where it has none.</param>
/// <param name="Vocabulary">What makes the tokens.</param>
public sealed record TextPreprocessing(
    string Input, string InputIds, string? AttentionMask, string? TokenTypeIds, TextVocabulary Vocabulary) : Preprocessing
{
    /// <summary>The most tokens of a text, with those before and after it.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Whether every text is filled up to <see cref="MaxLength"/>; otherwise to the longest of its request.</summary>
    public required bool IsFilledToMaxLength { get; init; }

    /// <summary>Whether a longer text is cut; otherwise it is refused.</summary>
    public required bool IsCut { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Inputs => [Input];

    /// <inheritdoc/>
    public override IReadOnlyList<TensorConfig> Outputs =>
    [
        .. new[] { InputIds, AttentionMask, TokenTypeIds }
            .OfType<string>()
            .Select(name => new TensorConfig(name, DataType.Int64, [IsFilledToMaxLength ? MaxLength : -1], [])),
    ];
}

/// <summary>A tokenizer that was read from a model's folder. Safe for concurrent use.</summary>
/// <param name="Tokenizer">
/// Cuts texts into tokens, and adds none. The package does not promise it, but as of 2.0.1 its tokenizers of these kinds either do not
/// change once they are made or lock what they do.
/// </param>
/// <param name="Begin">The tokens before each text.</param>
/// <param name="End">The tokens after each text.</param>
/// <param name="Padding">The token that fills texts up.</param>
public sealed record TextVocabulary(Tokenizer Tokenizer, IReadOnlyList<int> Begin, IReadOnlyList<int> End, int Padding)
{
    /// <summary>The tokens of a text, without those before and after it.</summary>
    public IReadOnlyList<int> Encode(string text) =>
        Tokenizer is SentencePieceTokenizer pieces ? SentencePieces.Encode(pieces, text) : Tokenizer.EncodeToIds(text);
}
