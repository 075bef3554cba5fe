using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference;

/// <summary>What a caller needs to know of a model version: its signature, as callers see it, and its configuration.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelDescriptor")]
public sealed record ModelDescriptor
{
    /// <summary>The model version.</summary>
    [Id(0)]
    public required ModelId Id { get; init; }

    /// <summary>The runtime's name, such as <c>pytorch_libtorch</c>.</summary>
    [Id(1)]
    public required string Platform { get; init; }

    /// <summary>The most rows in one batch; 0 where the model does not batch and inputs have no batch dimension.</summary>
    [Id(2)]
    public required int MaxBatchSize { get; init; }

    /// <summary>The inputs that callers send.</summary>
    [Id(3)]
    public required IReadOnlyList<TensorSignature> Inputs { get; init; }

    /// <summary>The outputs that callers get.</summary>
    [Id(4)]
    public required IReadOnlyList<TensorSignature> Outputs { get; init; }

    /// <summary>The model's configuration as JSON, as its file gives it.</summary>
    [Id(5)]
    public required string Configuration { get; init; }

    /// <summary>Whether requests pass an <see cref="IInferenceWorkerGrain"/> for preprocessing or postprocessing.</summary>
    [Id(6)]
    public bool HasProcessing { get; init; }

    /// <summary>The device kinds (<c>cpu</c>, <c>cuda</c>) that the configuration admits, with an index or without; all where empty.</summary>
    [Id(7)]
    public IReadOnlyList<string> DeviceKinds { get; init; } = [];

    /// <summary>Whether the model may answer a request more than once, and is therefore asked for a stream of responses.</summary>
    [Id(8)]
    public bool IsDecoupled { get; init; }

    /// <summary>What callers may send preprocessed, in place of inputs that the model would preprocess.</summary>
    [Id(9)]
    public IReadOnlyList<PreprocessedInputs> Preprocessed { get; init; } = [];

    /// <summary>The models that answer in this one's place, and how; null where the model is a network on devices.</summary>
    [Id(10)]
    public EnsemblePlan? Ensemble { get; init; }

    /// <summary>Which version answers requests that name none; null for the highest one that is ready.</summary>
    [Id(11)]
    public RoutingPolicy? Routing { get; init; }

    /// <summary>
    /// On how many devices the model is always loaded, where there is not room for all models; where there is, it is loaded on all devices that
    /// it admits.
    /// </summary>
    [Id(12)]
    public int MinInstances { get; init; }

    /// <summary>Whether the network keeps something from one call for the next: a request's rows then stay together.</summary>
    [Id(13)]
    public bool IsStateful { get; init; }

    /// <summary>On how many devices the model is loaded; 0 for all that it admits.</summary>
    [Id(14)]
    public int Replicas { get; init; }

    /// <summary>Within which limits, and by what, the number of devices follows the load; null where <see cref="Replicas"/> is fixed.</summary>
    [Id(15)]
    public Autoscaling? Autoscaling { get; init; }

    /// <summary>What requests may have among their inputs: what the model takes, and what preprocessing makes of it.</summary>
    public IEnumerable<TensorSignature> AcceptedInputs => Inputs.Concat(Preprocessed.SelectMany(preprocessed => preprocessed.Network));
}

/// <summary>Name, datatype and shape of an input or output.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.TensorSignature")]
public sealed record TensorSignature
{
    /// <summary>The name.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>The element type.</summary>
    [Id(1)]
    public required DataType DataType { get; init; }

    /// <summary>The dimensions, with the batch's where the model batches; -1 admits any size.</summary>
    [Id(2)]
    public required long[] Shape { get; init; }

    /// <summary>Of an output whose elements are class scores: the classes' names in order; otherwise empty.</summary>
    [Id(3)]
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Whether tensors of any rank are admitted; <see cref="Shape"/> then only says how callers may picture it.</summary>
    [Id(4)]
    public bool AnyRank { get; init; }
}
