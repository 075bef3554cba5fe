using System.Buffers;

using Microsoft.ML.OnnxRuntime;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Onnx;

/// <summary>The inputs of one pass. Managed memory is pinned, and not copied, until they are disposed.</summary>
internal sealed class OnnxInputs(int count) : IDisposable
{
    /// <summary>Where the elements of tensors without any lie: the runtime takes no null pointer.</summary>
    private static readonly byte[] Nothing = new byte[1];

    private readonly List<OrtValue> _values = new(count);
    private readonly List<MemoryHandle> _pins = new(count);

    public IReadOnlyCollection<OrtValue> Values => _values;

    public unsafe void Add(DataType dataType, long[] shape, ReadOnlyMemory<byte> data)
    {
        var pin = (data.IsEmpty ? Nothing : data).Pin();
        _pins.Add(pin);
        _values.Add(OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, dataType.ToOnnx(), shape, (nint)pin.Pointer, data.Length));
    }

    public void AddStrings(long[] shape, IEnumerable<ReadOnlyMemory<byte>> elements)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
        _values.Add(value);
        var index = 0;
        foreach (var element in elements) value.StringTensorSetElementAt(element.Span, index++);
    }

    public void Dispose()
    {
        foreach (var value in _values) value.Dispose();
        foreach (var pin in _pins) pin.Dispose();
    }
}
