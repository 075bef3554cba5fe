using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Processing;

/// <summary>Makes inputs of the network of inputs that callers send, row by row.</summary>
public abstract record Preprocessing
{
    /// <summary>The inputs that it reads.</summary>
    public abstract IReadOnlyList<string> Inputs { get; }

    /// <summary>The network's inputs that it makes.</summary>
    public abstract IReadOnlyList<TensorConfig> Outputs { get; }
}
