namespace OrleansInference.Ensembles;

/// <summary>
/// How an ensemble answers: by models that are asked as soon as their inputs are there. With an <see cref="Aggregation"/> all are asked the
/// same and their answers become one; without, it is a pipeline, whose outputs are some of the tensors that its steps give.
/// </summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.EnsemblePlan")]
public sealed record EnsemblePlan
{
    /// <summary>The members, or the steps in an order in which each stands behind those whose outputs it takes.</summary>
    [Id(0)]
    public required IReadOnlyList<EnsembleStep> Steps { get; init; }

    /// <summary>How the members' answers become one; null for a pipeline.</summary>
    [Id(1)]
    public Aggregation? Aggregation { get; init; }

    /// <summary>The most requests of one process that a step has under way at once, while others wait; 0 for no limit of its own.</summary>
    [Id(2)]
    public int MaxInFlightRequests { get; init; }

    /// <summary>The outputs that the steps give; what postprocessing adds is not among them.</summary>
    [Id(3)]
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>The inputs that the steps take: what preprocessing has made of those that callers send.</summary>
    [Id(4)]
    public IReadOnlyList<TensorSignature> Inputs { get; init; } = [];
}

/// <summary>A model that is asked in the course of an ensemble.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.EnsembleStep")]
public sealed record EnsembleStep
{
    /// <summary>What messages and statistics call it; unique within the ensemble.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>The model, which may be an ensemble itself.</summary>
    [Id(1)]
    public required string Model { get; init; }

    /// <summary>The version; null for whichever answers requests that name none.</summary>
    [Id(2)]
    public int? Version { get; init; }

    /// <summary>From the model's inputs to the ensemble's tensors; null where they have the same names.</summary>
    [Id(3)]
    public IReadOnlyDictionary<string, string>? InputMap { get; init; }

    /// <summary>From the model's outputs to the ensemble's tensors; null where they have the same names.</summary>
    [Id(4)]
    public IReadOnlyDictionary<string, string>? OutputMap { get; init; }

    /// <summary>How much its answer counts in a weighted mean or a vote.</summary>
    [Id(5)]
    public double Weight { get; init; } = 1;

    /// <summary>From the model's inputs to the ensemble's tensors; where no map is given, those that have the same names.</summary>
    /// <param name="model">The step's model.</param>
    /// <param name="isThere">Whether the ensemble has a tensor of that name.</param>
    public IReadOnlyDictionary<string, string> MapInputs(ModelDescriptor model, Func<string, bool> isThere) =>
        InputMap ?? model.AcceptedInputs.Select(input => input.Name).Where(isThere).ToDictionary(name => name);

    /// <summary>From the model's outputs to the ensemble's tensors; where no map is given, all outputs of the ensemble under their own names.</summary>
    public IReadOnlyDictionary<string, string> MapOutputs(EnsemblePlan plan) => OutputMap ?? plan.Outputs.ToDictionary(name => name);
}

/// <summary>How the answers of an ensemble's members become one, and which of them it can do without.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.Aggregation")]
public sealed record Aggregation
{
    /// <summary>What is done to the members' tensors of the same name.</summary>
    [Id(0)]
    public required AggregationMethod Method { get; init; }

    /// <summary>The dimension that <see cref="AggregationMethod.Concat"/> puts together or <see cref="AggregationMethod.Stack"/> adds.</summary>
    [Id(1)]
    public int Axis { get; init; }

    /// <summary>How many members must answer.</summary>
    [Id(2)]
    public required int Required { get; init; }

    /// <summary>How long to wait for the others; null for as long as the request's own deadline admits.</summary>
    [Id(3)]
    public TimeSpan? Deadline { get; init; }

    /// <summary>Whether NaN takes part like any number; otherwise a member whose answer has one has failed.</summary>
    [Id(4)]
    public bool AdmitsNaN { get; init; }
}

/// <summary>What becomes of the members' tensors of the same name. The values travel between processes: never renumber.</summary>
public enum AggregationMethod
{
    /// <summary>The mean of each element.</summary>
    Mean = 0,

    /// <summary>The mean of each element, in which each member counts by its weight.</summary>
    WeightedMean = 1,

    /// <summary>The sum of each element.</summary>
    Sum = 2,

    /// <summary>The largest of each element.</summary>
    Max = 3,

    /// <summary>The smallest of each element.</summary>
    Min = 4,

    /// <summary>The middle one of each element; of an even number the mean of the middle two.</summary>
    Median = 5,

    /// <summary>
    /// What most weight stands behind, of each element. Floating-point numbers are taken for scores of classes along the last dimension:
    /// each member votes for its best class, and each class gets its share of the votes.
    /// </summary>
    MajorityVote = 6,

    /// <summary>One behind the other along a dimension, in the members' order.</summary>
    Concat = 7,

    /// <summary>Side by side along a new dimension, in the members' order.</summary>
    Stack = 8,

    /// <summary>The answer that comes first; the other members are cancelled.</summary>
    First = 9,
}
