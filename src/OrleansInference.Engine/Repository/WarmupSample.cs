using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Triton's <c>ModelWarmup</c>: a request of the network that is run before the model is ready.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="BatchSize">Its rows; 1 where the model does not batch.</param>
/// <param name="Count">How many times it is run.</param>
/// <param name="Inputs">The network's inputs.</param>
public sealed record WarmupSample(string Name, int BatchSize, int Count, IReadOnlyList<WarmupInput> Inputs);

/// <summary>An input of a <see cref="WarmupSample"/>.</summary>
/// <param name="Name">The network's input.</param>
/// <param name="DataType">The element type.</param>
/// <param name="Dims">The dimensions without the batch's.</param>
/// <param name="IsRandom">Whether its elements are random; otherwise, and without a file, they are zeros.</param>
/// <param name="File">The file with its elements, of one row, in the folder <see cref="WarmupReader.Folder"/> of the model; null where there is none.</param>
public sealed record WarmupInput(string Name, DataType DataType, long[] Dims, bool IsRandom, string? File);
