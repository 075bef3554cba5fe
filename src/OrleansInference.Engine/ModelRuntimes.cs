using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine;

/// <summary>All runtimes as one: a model goes to that of its platform.</summary>
internal sealed class ModelRuntimes : IModelRuntime
{
    private readonly TorchRuntime _torch = new();
    private readonly OnnxRuntime _onnx = new();

    public void InitializeThread(Device device)
    {
        _torch.InitializeThread(device);
        _onnx.InitializeThread(device);
    }

    public void Prepare()
    {
        _torch.Prepare();
        _onnx.Prepare();
    }

    public IModelInstance Load(ModelVersion version, Device device) =>
        ReshapedModel.Wrap(Of(version.Config.Platform).Load(version, device), version);

    /// <summary>The runtime of a platform that is a network's.</summary>
    public IModelRuntime Of(string platform) => platform == OnnxRuntime.Platform ? _onnx : _torch;
}
