namespace OrleansInference.Engine.Repository;

/// <summary>Something done to the network's outputs.</summary>
/// <param name="Output">The output it writes.</param>
public abstract record PostprocessingStep(string Output)
{
    /// <summary>The outputs that are not the network's own.</summary>
    public virtual IEnumerable<string> Added => [Output];
}

/// <summary>Turns the last dimension of an FP32 output into probabilities, in place.</summary>
/// <param name="Output">The output.</param>
public sealed record SoftmaxStep(string Output) : PostprocessingStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<string> Added => [];
}

/// <summary>Adds a BYTES output with the label of the largest element of each row.</summary>
/// <param name="Output">The output to add.</param>
/// <param name="From">The FP32 output to read.</param>
/// <param name="Labels">The labels, as many as a row has elements.</param>
public sealed record LabelStep(string Output, string From, IReadOnlyList<string> Labels) : PostprocessingStep(Output);
