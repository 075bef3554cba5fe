namespace OrleansInference;

/// <summary>Inputs that a model preprocesses, and what a caller may send in their place to have that skipped: all of it or nothing.</summary>
/// <param name="Inputs">The model's inputs.</param>
/// <param name="Network">What preprocessing makes of them, which is what the network takes.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.PreprocessedInputs")]
public sealed record PreprocessedInputs(
    [property: Id(0)] IReadOnlyList<string> Inputs,
    [property: Id(1)] IReadOnlyList<TensorSignature> Network);
