using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>A model that a runtime has loaded onto a device. All members are called on that device's thread only.</summary>
internal interface IModelInstance : IDisposable
{
    /// <summary>Runs one forward pass.</summary>
    /// <param name="items">
    /// The inputs of each request, in the order of the network's signature. Where the model batches, all items have the same shapes but
    /// for the first dimension, along which they are joined; otherwise there is one item. The list is used again for the next pass.
    /// </param>
    /// <returns>The outputs of each item, in the order of the network's signature.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.ModelFailed"/>, with the model's own message.</exception>
    BatchResult Run(IReadOnlyList<InferenceTensor[]> items);
}

/// <summary>What a forward pass gave, and how long its phases took.</summary>
internal sealed record BatchResult(InferenceTensor[][] Outputs, TimeSpan Input, TimeSpan Infer, TimeSpan Output);
