using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Joins inputs of one value a row to one FP32 tensor, in which each has a place or several.</summary>
/// <param name="Output">The network's input, of shape [width].</param>
/// <param name="Columns">The inputs, in the order of their places.</param>
public sealed record TabularPreprocessing(string Output, IReadOnlyList<Column> Columns) : Preprocessing
{
    /// <summary>The places of all columns.</summary>
    public int Width => Columns.Sum(column => column.Width);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Inputs => [.. Columns.Select(column => column.Input)];

    /// <inheritdoc/>
    public override IReadOnlyList<TensorConfig> Outputs => [new(Output, DataType.Float32, [Width], [])];
}

/// <summary>What becomes of one input.</summary>
/// <param name="Input">The input, which has one value a row.</param>
public abstract record Column(string Input)
{
    /// <summary>How many places it takes.</summary>
    public abstract int Width { get; }
}

/// <summary>A number.</summary>
/// <param name="Input">The input.</param>
/// <param name="Mean">Subtracted first.</param>
/// <param name="Deviation">Divides then.</param>
public sealed record NumberColumn(string Input, double Mean, double Deviation) : Column(Input)
{
    /// <inheritdoc/>
    public override int Width => 1;
}

/// <summary>One of some words or integers: 1 in its place, 0 in those of the others.</summary>
/// <param name="Input">The input.</param>
/// <param name="Places">The place of each word, or of each integer as it is written.</param>
/// <param name="AdmitsUnknown">Whether a value that has no place is all zeros; otherwise it is refused.</param>
public sealed record OneHotColumn(string Input, IReadOnlyDictionary<string, int> Places, bool AdmitsUnknown) : Column(Input)
{
    /// <inheritdoc/>
    public override int Width => Places.Count;
}
