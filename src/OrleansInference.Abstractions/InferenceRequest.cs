using OrleansInference.Tensors;

namespace OrleansInference;

/// <summary>One inference: which model, on which tensors, until when.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.Request")]
public sealed record InferenceRequest
{
    /// <summary>The model's name.</summary>
    [Id(0)]
    public required string Model { get; init; }

    /// <summary>The version, or null for the highest one that is ready.</summary>
    [Id(1)]
    public int? Version { get; init; }

    /// <summary>The caller's own name for this request, which messages and the response repeat.</summary>
    [Id(2)]
    public string? Id { get; init; }

    /// <summary>The inputs, in any order. Where the model batches, the first dimension of each is the batch.</summary>
    [Id(3)]
    public required IReadOnlyList<InferenceTensor> Inputs { get; init; }

    /// <summary>The names of the outputs wanted, in the order wanted; all of the model's where empty.</summary>
    [Id(4)]
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>
    /// When the answer stops being of use. It covers waiting and running. The client library sets it from its default timeout where
    /// the caller leaves it out.
    /// </summary>
    [Id(5)]
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>
    /// How urgent it is among those that wait for the same model, where the model has priority levels: 1 is the most urgent, and 0 or
    /// more than there are stands for the model's default.
    /// </summary>
    [Id(6)]
    public int Priority { get; init; }

    /// <summary>
    /// Whom the request is for, where the model keeps the requests of one together (<see cref="RoutingPolicy.StickyParameter"/>): those of
    /// equal keys go to the same version and, as long as it is there, to the same device.
    /// </summary>
    [Id(7)]
    public string? RoutingKey { get; init; }

    /// <summary>
    /// Tells this attempt of a request from all others, so that its caller can ask what has become of it (<see cref="ICallHolder"/>). The client
    /// library sets it; 0 where nobody is going to ask.
    /// </summary>
    [Id(8)]
    public long CallId { get; init; }
}
