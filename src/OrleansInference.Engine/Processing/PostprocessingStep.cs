namespace OrleansInference.Engine.Processing;

/// <summary>Something done to an output of floating-point numbers, of the network or of a step before.</summary>
/// <param name="Output">The output it writes.</param>
/// <param name="From">The output it reads; the same where it changes it in place.</param>
public abstract record PostprocessingStep(string Output, string From)
{
    /// <summary>The outputs that are not there before.</summary>
    public virtual IEnumerable<string> Added => Output == From ? [] : [Output];
}

/// <summary>Turns the last dimension of an output into probabilities, in place.</summary>
/// <param name="Output">The output.</param>
public sealed record SoftmaxStep(string Output) : PostprocessingStep(Output, Output);

/// <summary>Rounds every element, halves to the even neighbour, in place.</summary>
/// <param name="Output">The output.</param>
/// <param name="Digits">How many decimals stay.</param>
public sealed record RoundStep(string Output, int Digits) : PostprocessingStep(Output, Output);

/// <summary>Adds a BYTES output with the label of the largest element of each row.</summary>
/// <param name="Output">The output to add.</param>
/// <param name="From">The output to read.</param>
/// <param name="Labels">The labels, as many as a row has elements.</param>
public sealed record LabelStep(string Output, string From, IReadOnlyList<string> Labels) : PostprocessingStep(Output, From);

/// <summary>Adds an INT64 output with the place of the largest element of the last dimension, the first of several.</summary>
/// <param name="Output">The output to add.</param>
/// <param name="From">The output to read.</param>
/// <param name="KeepsDimension">Whether the output has a last dimension of 1; otherwise it has one dimension less.</param>
public sealed record ArgmaxStep(string Output, string From, bool KeepsDimension) : PostprocessingStep(Output, From);

/// <summary>Adds an output with the best elements of the last dimension, the best first, of equals the first.</summary>
/// <param name="Output">The output to add: of BYTES where there are labels, else of INT64.</param>
/// <param name="From">The output to read.</param>
/// <param name="Count">How many.</param>
/// <param name="Labels">The labels, as many as a row has elements; where empty, the elements' places are given.</param>
/// <param name="Scores">An output of the elements themselves to add as well; null for none.</param>
public sealed record TopStep(string Output, string From, int Count, IReadOnlyList<string> Labels, string? Scores)
    : PostprocessingStep(Output, From)
{
    /// <inheritdoc/>
    public override IEnumerable<string> Added => Scores is null ? [Output] : [Output, Scores];
}

/// <summary>Adds a BOOL output that tells which elements are at least as large as a value.</summary>
/// <param name="Output">The output to add.</param>
/// <param name="From">The output to read.</param>
/// <param name="Value">The least that counts.</param>
public sealed record ThresholdStep(string Output, string From, double Value) : PostprocessingStep(Output, From);
