using System.Diagnostics;

using Microsoft.ML.OnnxRuntime;

using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Onnx;

/// <summary>
/// A session of ONNX Runtime. A lone request's memory is the network's input as it is; several are copied into one buffer per input. Outputs are
/// copied once, out of the runtime's memory. All native memory of a pass goes with it.
/// </summary>
internal sealed class OnnxModel : IModelInstance
{
    /// <summary>Larger buffers are made anew for each pass.</summary>
    private const long MaxBufferBytes = 64 << 20;

    private readonly InferenceSession _session;
    private readonly ModelSignature _network;
    private readonly BatchRows _rows;
    private readonly RunOptions _options = new();
    private readonly string[] _inputs;
    private readonly string[] _outputs;
    private readonly byte[]?[] _buffers;

    public OnnxModel(InferenceSession session, ModelSignature network)
    {
        _session = session;
        _network = network;
        _rows = new(network);
        _inputs = [.. network.Inputs.Select(input => input.Name)];
        _outputs = [.. network.Outputs.Select(output => output.Name)];
        _buffers = [.. network.Inputs.Select(AllocateBuffer)];
    }

    public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
    {
        var started = Stopwatch.GetTimestamp();
        using var inputs = new OnnxInputs(_inputs.Length);
        for (var i = 0; i < _inputs.Length; i++) Gather(inputs, items, i);
        var gathered = Stopwatch.GetTimestamp();
        using var outputs = Forward(inputs.Values);
        var inferred = Stopwatch.GetTimestamp();
        var scattered = Scatter(outputs, items);
        var ended = Stopwatch.GetTimestamp();
        return new(
            scattered,
            Stopwatch.GetElapsedTime(started, gathered),
            Stopwatch.GetElapsedTime(gathered, inferred),
            Stopwatch.GetElapsedTime(inferred, ended));
    }

    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
    }

    /// <summary>Room for full batches where their size is known, and not too much to keep.</summary>
    private byte[]? AllocateBuffer(TensorSignature input)
    {
        if (_network.MaxBatchSize == 0 || input.AnyRank || input.DataType == DataType.Bytes) return null;
        var isKnown = TensorShape.TryGetElementCount([_network.MaxBatchSize, .. input.Shape[1..]], out var count);
        return isKnown && count <= MaxBufferBytes / input.DataType.ElementSize() ? new byte[count * input.DataType.ElementSize()] : null;
    }

    private void Gather(OnnxInputs inputs, IReadOnlyList<InferenceTensor[]> items, int input)
    {
        var shape = _rows.ShapeOf(items, input);
        var dataType = _network.Inputs[input].DataType;
        if (dataType == DataType.Bytes)
        {
            inputs.AddStrings(shape, items.SelectMany(item => item[input].ToBytes()));
            return;
        }

        if (items.Count == 1)
        {
            inputs.Add(dataType, shape, items[0][input].Data);
            return;
        }

        TensorShape.TryGetElementCount(shape, out var count);
        var length = checked((int)(count * dataType.ElementSize()));
        var data = (_buffers[input] ?? GC.AllocateUninitializedArray<byte>(length)).AsMemory(0, length);
        BatchRows.Gather(items, input, data.Span);
        inputs.Add(dataType, shape, data);
    }

    private IDisposableReadOnlyCollection<OrtValue> Forward(IReadOnlyCollection<OrtValue> inputs)
    {
        try
        {
            return _session.Run(_options, _inputs, inputs, _outputs);
        }
        catch (OnnxRuntimeException exception)
        {
            throw _rows.Failed(OnnxRuntime.Reason(exception), exception);
        }
    }

    private InferenceTensor[][] Scatter(IReadOnlyList<OrtValue> outputs, IReadOnlyList<InferenceTensor[]> items)
    {
        var rows = _rows.Count(items);
        var scattered = _rows.CreateOutputs(items);
        for (var output = 0; output < outputs.Count; output++)
        {
            var value = outputs[output];
            if (!value.IsTensor) throw _rows.Failed($"output '{_outputs[output]}' came out as {value.OnnxType}, not as a tensor");
            var type = value.GetTensorTypeAndShape();
            _rows.Check(output, type.ElementDataType.ToProtocolName(), type.Shape, rows);
            if (_network.Outputs[output].DataType == DataType.Bytes) ScatterStrings(output, value, type, items, scattered);
            else _rows.Scatter(output, type.ElementCount == 0 ? [] : value.GetTensorMutableRawData(), type.Shape, items, scattered);
        }

        return scattered;
    }

    private void ScatterStrings(
        int output, OrtValue value, OrtTensorTypeAndShapeInfo type, IReadOnlyList<InferenceTensor[]> items, InferenceTensor[][] scattered)
    {
        var perRow = (int)(type.ElementCount / _rows.Count(items));
        var next = 0;
        for (var i = 0; i < items.Count; i++)
        {
            var own = new ReadOnlyMemory<byte>[perRow * _rows.Count(items[i])];
            for (var j = 0; j < own.Length; j++) own[j] = value.GetStringElementAsSpan(next++).ToArray();
            scattered[i][output] = new(_outputs[output], DataType.Bytes, _rows.ShapeFor(items[i], type.Shape), BytesElements.Encode(own));
        }
    }
}
