using System.Diagnostics;
using System.Runtime.CompilerServices;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Tensors;

using TorchSharp;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// A loaded TorchScript module. Payloads are copied into one buffer per input, which is allocated once where the shape is fixed;
/// outputs are sliced out of the result as bytes. All native memory of a pass belongs to a scope that ends with it.
/// </summary>
internal sealed class TorchModel : IModelInstance
{
    private readonly torch.jit.ScriptModule _module;
    private readonly ModelSignature _network;
    private readonly BatchRows _rows;
    private readonly Device _device;
    private readonly torch.Device _torchDevice;
    private readonly ForwardArguments _arguments;
    private readonly string? _method;
    private readonly torch.Tensor?[] _buffers;

    /// <param name="module">The module.</param>
    /// <param name="network">What it takes and gives.</param>
    /// <param name="arguments">What its inputs are to <c>forward</c>.</param>
    /// <param name="method">The method to call with the arguments of <c>forward</c>; null for that itself.</param>
    /// <param name="device">Where it has been loaded.</param>
    public TorchModel(torch.jit.ScriptModule module, ModelSignature network, ForwardArguments arguments, string? method, Device device)
    {
        _module = module;
        _network = network;
        _rows = new(network);
        _device = device;
        _torchDevice = new torch.Device(TorchRuntime.ToTorch(device.Kind), device.Index);
        _module.eval();
        _arguments = arguments;
        _method = method;
        _buffers = [.. network.Inputs.Select((input, i) => arguments.Kinds[i] == ArgumentKind.Tensor ? AllocateBuffer(input) : null)];
    }

    public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
    {
        using var mode = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var started = Stopwatch.GetTimestamp();
        var arguments = _arguments.Defaults.AsSpan().ToArray();
        for (var i = 0; i < _arguments.Positions.Length; i++) arguments[_arguments.Positions[i]] = ToArgument(items, i);
        Synchronize();
        var gathered = Stopwatch.GetTimestamp();
        var outputs = Forward(arguments);
        Synchronize();
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
        foreach (var buffer in _buffers) buffer?.Dispose();
        _module.Free();
    }

    private torch.Tensor? AllocateBuffer(TensorSignature input) =>
        _network.MaxBatchSize == 0 || input.AnyRank || input.Shape[1..].Any(dimension => dimension < 0)
            ? null
            : torch.empty([_network.MaxBatchSize, .. input.Shape[1..]], input.DataType.ToTorch());

    private object ToArgument(IReadOnlyList<InferenceTensor[]> items, int input) =>
        _arguments.Kinds[input] == ArgumentKind.Tensor ? Gather(items, input) : NumberArgument.Read(items, input, _network);

    /// <summary>Joins one input of all items into a tensor on the device.</summary>
    private torch.Tensor Gather(IReadOnlyList<InferenceTensor[]> items, int input)
    {
        var tensor = _buffers[input] is { } buffer
            ? buffer.narrow(0, 0, _rows.Count(items))
            : torch.empty(_rows.ShapeOf(items, input), _network.Inputs[input].DataType.ToTorch());
        if (tensor.numel() > 0) BatchRows.Gather(items, input, tensor.bytes);
        return _device.Kind == DeviceKind.Cpu ? tensor : tensor.to(_torchDevice);
    }

    private List<torch.Tensor> Forward(object?[] arguments)
    {
        object result;
        try
        {
            result = _method is null ? _module.forward(arguments!) : _module.invoke(_method, arguments!);
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw _rows.Failed(
                "forward returned a string or the like: it must return a tensor, a tuple or list of tensors, or a Dict[str, Tensor]", exception);
        }
        catch (Exception exception)
        {
            throw _rows.Failed(TorchRuntime.Reason(exception.Message), exception);
        }

        var outputs = new List<torch.Tensor>();
        Flatten(result, outputs);
        return outputs.Count == _network.Outputs.Count
            ? outputs
            : throw _rows.Failed($"forward returned {outputs.Count} tensors, but the configuration declares {_network.Outputs.Count}");
    }

    private void Flatten(object? result, List<torch.Tensor> outputs)
    {
        switch (result)
        {
            case torch.Tensor tensor:
                outputs.Add(tensor);
                break;
            case torch.Tensor[] tensors:
                outputs.AddRange(tensors);
                break;
            case object[] list:
                foreach (var element in list) Flatten(element, outputs);
                break;
            case ITuple tuple:
                for (var i = 0; i < tuple.Length; i++) Flatten(tuple[i], outputs);
                break;
            default:
                var kind = result is null ? "None" : $"a {result.GetType().Name}";
                throw _rows.Failed($"forward returned {kind} as output {outputs.Count}, and not a tensor, or a tuple or list of tensors");
        }
    }

    private InferenceTensor[][] Scatter(List<torch.Tensor> outputs, IReadOnlyList<InferenceTensor[]> items)
    {
        var rows = _rows.Count(items);
        var scattered = _rows.CreateOutputs(items);
        for (var output = 0; output < outputs.Count; output++)
        {
            var tensor = ToBytes(outputs[output]);
            var shape = tensor.shape;
            _rows.Check(output, tensor.dtype.ToProtocolName(), shape, rows);
            _rows.Scatter(output, tensor.numel() == 0 ? [] : tensor.bytes, shape, items, scattered);
        }

        return scattered;
    }

    /// <summary>The tensor in the main memory, its elements in row-major order; the same where it is that already.</summary>
    private torch.Tensor ToBytes(torch.Tensor tensor)
    {
        if (_device.Kind != DeviceKind.Cpu) tensor = tensor.cpu();
        return tensor.is_contiguous() ? tensor : tensor.contiguous();
    }

    private void Synchronize()
    {
        // A CUDA call returns before its work is done; without this the phases' times would be those of queueing.
        if (_device.Kind == DeviceKind.Cuda) torch.cuda.synchronize(_torchDevice);
    }
}
