using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine;

/// <summary>A network whose file has some of its tensors in other shapes than everybody else sees. The elements are the same, and are not copied.</summary>
internal sealed class ReshapedModel : IModelInstance
{
    private readonly IModelInstance _instance;
    private readonly ModelSignature _network;
    private readonly ModelSignature _file;

    private ReshapedModel(IModelInstance instance, ModelSignature network, ModelSignature file) => (_instance, _network, _file) = (instance, network, file);

    /// <returns>The instance itself where its version has nothing to reshape.</returns>
    public static IModelInstance Wrap(IModelInstance instance, ModelVersion version) =>
        version.Config.Inputs.Concat(version.Config.Outputs).Any(tensor => tensor.Reshape is not null)
            ? new ReshapedModel(instance, version.Network, version.FileSignature)
            : instance;

    public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
    {
        var result = _instance.Run([.. items.Select(item => Reshape(item, _network.Inputs, _file.Inputs))]);
        return result with { Outputs = [.. result.Outputs.Select(outputs => Reshape(outputs, _file.Outputs, _network.Outputs))] };
    }

    public void Dispose() => _instance.Dispose();

    private static InferenceTensor[] Reshape(InferenceTensor[] tensors, IReadOnlyList<TensorSignature> from, IReadOnlyList<TensorSignature> to) =>
        [.. tensors.Select((tensor, place) => ReferenceEquals(from[place], to[place])
            ? tensor
            : new(tensor.Name, tensor.DataType, ShapeOf(tensor.Shape, from[place].Shape, to[place].Shape), tensor.Data))];

    /// <summary>The shape's open dimensions, of which the batch's is the first, go to the target's in their order.</summary>
    private static long[] ShapeOf(ReadOnlySpan<long> shape, long[] from, long[] to)
    {
        long[] target = [.. to];
        var place = -1;
        for (var i = 0; i < from.Length; i++)
        {
            if (from[i] >= 0) continue;
            place = Array.IndexOf(to, -1, place + 1);
            target[place] = shape[i];
        }

        return target;
    }
}
