using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Processing;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// A model's configuration: Triton's <c>ModelConfig</c> in its JSON form, as far as it is supported, with the sections
/// <c>preprocessing</c> and <c>postprocessing</c> of our own. Read by <see cref="ModelConfigReader"/>, which admits no contradictions.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>The model's name, which is its folder's.</summary>
    public required string Name { get; init; }

    /// <summary>The runtime's name.</summary>
    public required string Platform { get; init; }

    /// <summary>The file in each version's folder.</summary>
    public required string ModelFile { get; init; }

    /// <summary>The most rows in a batch; 0 where inputs have no batch dimension.</summary>
    public required int MaxBatchSize { get; init; }

    /// <summary>What callers send.</summary>
    public required IReadOnlyList<TensorConfig> Inputs { get; init; }

    /// <summary>What callers get.</summary>
    public required IReadOnlyList<TensorConfig> Outputs { get; init; }

    /// <summary>Which versions are served.</summary>
    public required VersionPolicy VersionPolicy { get; init; }

    /// <summary>How requests are gathered.</summary>
    public required DynamicBatching Batching { get; init; }

    /// <summary>The devices that may hold an instance; all where empty.</summary>
    public required IReadOnlyList<InstanceGroup> InstanceGroups { get; init; }

    /// <summary>On how many devices the model is always loaded, where there is not room for all models.</summary>
    public int MinInstances { get; init; }

    /// <summary>On how many devices the model is loaded; 0 for all that may hold an instance.</summary>
    public int Replicas { get; init; }

    /// <summary>How that number follows the load; null where it is fixed.</summary>
    public Autoscaling? Autoscaling { get; init; }

    /// <summary>How inputs become the network's own.</summary>
    public required IReadOnlyList<Preprocessing> Preprocessing { get; init; }

    /// <summary>What becomes of the network's outputs, in this order.</summary>
    public required IReadOnlyList<PostprocessingStep> Postprocessing { get; init; }

    /// <summary>How the network is run again on its own outputs; null where it answers once.</summary>
    public Iteration? Iteration { get; init; }

    /// <summary>The models that answer in this one's place; null where it is a network.</summary>
    public EnsemblePlan? Ensemble { get; init; }

    /// <summary>Which version answers requests that name none; null for the highest one.</summary>
    public RoutingPolicy? Routing { get; init; }

    /// <summary>Whether the network keeps something from one call for the next, so that no call may be made but for a request.</summary>
    public bool IsStateful { get; init; }

    /// <summary>Inputs of the network that are one number for all rows of a pass: requests share one where they have the same.</summary>
    public IReadOnlyList<string> NumberInputs { get; init; } = [];

    /// <summary>What is run before the model is ready; where empty, zeros are.</summary>
    public IReadOnlyList<WarmupSample> Warmup { get; init; } = [];

    /// <summary>The file's content, and what the model's own file adds to it, as plain JSON.</summary>
    public required string Json { get; init; }

    /// <summary>What of it has no effect here, though Triton has the field, in sentences.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>
    /// The preprocessing that callers may do themselves: what a request names tells whether they have, unless the network's input has
    /// the name of one that callers send.
    /// </summary>
    public IEnumerable<Preprocessing> Skippable =>
        Preprocessing.Where(entry => !entry.Outputs.Any(output => Inputs.Any(input => input.Name == output.Name)));
}

/// <summary>An input or output.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">The element type.</param>
/// <param name="Dims">The dimensions without the batch's; -1 admits any size; null admits any rank.</param>
/// <param name="Labels">The names of the classes that the elements score; otherwise empty.</param>
public sealed record TensorConfig(string Name, DataType DataType, long[]? Dims, IReadOnlyList<string> Labels)
{
    /// <summary>The dimensions that the network's file has in the place of <see cref="Dims"/>, with as many elements; null where they are the same.</summary>
    public long[]? Reshape { get; init; }
}

/// <summary>Which version folders are served: the given ones, or else the highest <paramref name="Latest"/>.</summary>
/// <param name="Latest">How many of the highest.</param>
/// <param name="Specific">The versions; null where the highest count.</param>
public sealed record VersionPolicy(int Latest, IReadOnlyList<int>? Specific)
{
    /// <summary>The versions to serve, of those that exist.</summary>
    public IEnumerable<int> Select(IEnumerable<int> versions) =>
        Specific is { } specific ? versions.Intersect(specific) : versions.OrderDescending().Take(Latest);
}

/// <summary>How a network answers one request several times: each pass is a response, and some of its outputs are the next one's inputs.</summary>
/// <param name="FeedBack">Which output of a pass is which input of the next; all other inputs stay as the caller sent them.</param>
/// <param name="Stop">The BOOL output that is true in the last pass; null where only <paramref name="MaxSteps"/> ends it.</param>
/// <param name="MaxSteps">The most passes.</param>
public sealed record Iteration(IReadOnlyDictionary<string, string> FeedBack, string? Stop, int MaxSteps);

/// <summary>Devices that may hold an instance.</summary>
/// <param name="Kind">The kind; null for any.</param>
/// <param name="Indexes">The devices of that kind; all where empty.</param>
/// <param name="Count">How many of these devices of the cluster do hold one; 0 for all.</param>
public sealed record InstanceGroup(DeviceKind? Kind, IReadOnlyList<int> Indexes, int Count);
