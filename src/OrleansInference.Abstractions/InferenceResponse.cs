using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference;

/// <summary>The answer to an <see cref="InferenceRequest"/>.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.Response")]
public sealed record InferenceResponse
{
    /// <summary>The model version that answered.</summary>
    [Id(0)]
    public required ModelId Model { get; init; }

    /// <summary>The outputs, in the order that the request asked for or else that the model declares.</summary>
    [Id(1)]
    public required IReadOnlyList<InferenceTensor> Outputs { get; init; }

    /// <summary>Whether no further response to the request follows; only models that answer more than once give any that is not.</summary>
    [Id(2)]
    public bool IsFinal { get; init; } = true;

    /// <summary>
    /// What each member of an ensemble that aggregates has contributed; of one within another as <c>step/member</c>. Empty for all other models.
    /// </summary>
    [Id(3)]
    public IReadOnlyList<MemberReport> Members { get; init; } = [];

    /// <summary>How many other requests the device had, waiting or running, when it gave this answer.</summary>
    [Id(4)]
    public int DeviceLoad { get; init; }

    /// <summary>The output of that name.</summary>
    /// <exception cref="KeyNotFoundException">The response has no such output.</exception>
    public InferenceTensor this[string output] =>
        Outputs.FirstOrDefault(tensor => tensor.Name == output)
        ?? throw new KeyNotFoundException($"The response of model {Model} has no output '{output}'.");
}
