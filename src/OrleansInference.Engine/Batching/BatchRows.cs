using OrleansInference.Tensors;

namespace OrleansInference.Engine.Batching;

/// <summary>
/// What all runtimes do alike: the requests' inputs become one input of the network, and each request gets its rows of what comes out,
/// once it is sure that these are as declared. A model that answers otherwise would hand one caller another's rows, or lie to all of them.
/// </summary>
internal sealed class BatchRows(ModelSignature network)
{
    public long Count(InferenceTensor[] item) => network.MaxBatchSize == 0 ? 1 : item[0].Shape[0];

    public long Count(IReadOnlyList<InferenceTensor[]> items)
    {
        var rows = 0L;
        for (var i = 0; i < items.Count; i++) rows += Count(items[i]);
        return rows;
    }

    /// <summary>The shape of one input of all items together.</summary>
    public long[] ShapeOf(IReadOnlyList<InferenceTensor[]> items, int input)
    {
        var shape = items[0][input].Shape.ToArray();
        if (network.MaxBatchSize > 0) shape[0] = Count(items);
        return shape;
    }

    /// <summary>Copies one input of all items, one behind the other.</summary>
    public static void Gather(IReadOnlyList<InferenceTensor[]> items, int input, Span<byte> target)
    {
        for (var i = 0; i < items.Count; i++)
        {
            var data = items[i][input].Data.Span;
            data.CopyTo(target);
            target = target[data.Length..];
        }
    }

    /// <summary>A place for each item's outputs.</summary>
    public InferenceTensor[][] CreateOutputs(IReadOnlyList<InferenceTensor[]> items)
    {
        var outputs = new InferenceTensor[items.Count][];
        for (var i = 0; i < outputs.Length; i++) outputs[i] = new InferenceTensor[network.Outputs.Count];
        return outputs;
    }

    /// <param name="output">The output's place.</param>
    /// <param name="dataType">The protocol's name of what came out, or the runtime's where the protocol has none.</param>
    /// <param name="shape">What came out.</param>
    /// <param name="rows">The rows that went in.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.ModelFailed"/>: it is not what is declared.</exception>
    public void Check(int output, string dataType, ReadOnlySpan<long> shape, long rows)
    {
        var expected = network.Outputs[output];
        if (dataType != expected.DataType.ToProtocolName())
        {
            throw Failed(
                $"output '{expected.Name}' came out as {dataType}, but the configuration declares {expected.DataType.ToProtocolName()}");
        }

        if (!expected.AnyRank && !TensorShape.Matches(expected.Shape, shape))
        {
            throw Failed(
                $"output '{expected.Name}' came out with shape {TensorShape.Format(shape)}, " +
                $"but the configuration declares {TensorShape.Format(expected.Shape)}");
        }

        if (network.MaxBatchSize > 0 && shape[0] != rows)
            throw Failed($"output '{expected.Name}' came out with {shape[0]} rows for a batch of {rows}");
    }

    /// <summary>Gives each item its rows of an output that <see cref="Check"/> has accepted.</summary>
    public void Scatter(int output, ReadOnlySpan<byte> bytes, long[] shape, IReadOnlyList<InferenceTensor[]> items, InferenceTensor[][] scattered)
    {
        var expected = network.Outputs[output];
        var bytesPerRow = (int)(bytes.Length / Count(items));
        for (var i = 0; i < items.Count; i++)
        {
            var own = bytes[..(bytesPerRow * (int)Count(items[i]))];
            scattered[i][output] = new(expected.Name, expected.DataType, ShapeFor(items[i], shape), own.ToArray());
            bytes = bytes[own.Length..];
        }
    }

    /// <summary>The shape of one item's part of an output.</summary>
    public long[] ShapeFor(InferenceTensor[] item, long[] shape) => network.MaxBatchSize == 0 ? shape : [Count(item), .. shape[1..]];

    public InferenceException Failed(string reason, Exception? cause = null) =>
        new(InferenceError.ModelFailed, $"model '{network.Model}' failed: {reason}", cause);
}
