using OrleansInference.Engine.Devices;
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

    /// <summary>How inputs become the network's own.</summary>
    public required IReadOnlyList<ImagePreprocessing> Preprocessing { get; init; }

    /// <summary>What becomes of the network's outputs, in this order.</summary>
    public required IReadOnlyList<PostprocessingStep> Postprocessing { get; init; }

    /// <summary>How the network is run again on its own outputs; null where it answers once.</summary>
    public Iteration? Iteration { get; init; }

    /// <summary>The file's content, as plain JSON.</summary>
    public required string Json { get; init; }
}

/// <summary>An input or output.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">The element type.</param>
/// <param name="Dims">The dimensions without the batch's; -1 admits any size; null admits any rank.</param>
/// <param name="Labels">The names of the classes that the elements score; otherwise empty.</param>
public sealed record TensorConfig(string Name, DataType DataType, long[]? Dims, IReadOnlyList<string> Labels);

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
public sealed record InstanceGroup(DeviceKind? Kind, IReadOnlyList<int> Indexes);

/// <summary>Decodes a picture to a tensor of FP32, of shape [channels, height, width] or [height, width, channels].</summary>
/// <param name="Input">The BYTES input that holds an encoded picture per row.</param>
/// <param name="Output">The network's input.</param>
/// <param name="Channels">1 for grayscale, 3 for RGB.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Factor">Multiplies each value of 0 to 255.</param>
/// <param name="Mean">Subtracted then, per channel.</param>
/// <param name="Deviation">Divides then, per channel.</param>
/// <param name="ChannelsFirst">Whether channels are the first dimension.</param>
public sealed record ImagePreprocessing(
    string Input, string Output, int Channels, int Width, int Height, float Factor, float[] Mean, float[] Deviation, bool ChannelsFirst)
{
    /// <summary>The shape of one picture's tensor.</summary>
    public long[] Shape => ChannelsFirst ? [Channels, Height, Width] : [Height, Width, Channels];
}

/// <summary>Something done to the network's outputs.</summary>
/// <param name="Output">The output it writes.</param>
public abstract record PostprocessingStep(string Output);

/// <summary>Turns the last dimension of an FP32 output into probabilities, in place.</summary>
/// <param name="Output">The output.</param>
public sealed record SoftmaxStep(string Output) : PostprocessingStep(Output);

/// <summary>Adds a BYTES output with the label of the largest element of each row.</summary>
/// <param name="Output">The output to add.</param>
/// <param name="From">The FP32 output to read.</param>
/// <param name="Labels">The labels, as many as a row has elements.</param>
public sealed record LabelStep(string Output, string From, IReadOnlyList<string> Labels) : PostprocessingStep(Output);
