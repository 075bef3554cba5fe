using OrleansInference.Tensors;

namespace OrleansInference.Engine.Onnx;

/// <summary>An input or output as an ONNX file declares it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">The element type; null where the protocol has none, or where it is no tensor.</param>
/// <param name="TypeName">The element type as messages show it.</param>
/// <param name="Shape">The dimensions, -1 where they are open; null where not even their number is told.</param>
internal sealed record OnnxTensor(string Name, DataType? DataType, string TypeName, long[]? Shape)
{
    public override string ToString() => $"{TypeName}{(Shape is null ? " of any shape" : TensorShape.Format(Shape))}";
}
