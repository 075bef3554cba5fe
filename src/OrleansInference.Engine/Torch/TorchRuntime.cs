using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

using TorchSharp;

namespace OrleansInference.Engine.Torch;

/// <summary>TorchScript through libtorch. Everything but <see cref="CudaDeviceCount"/> is called on device threads.</summary>
internal sealed class TorchRuntime : IModelRuntime
{
    public const string Platform = "pytorch_libtorch";
    public const string ModelFile = "model.pt";

    private static readonly Lazy<bool> Prepared = new(() =>
    {
        NativeMemory.KeepFreedPages();
        OneDnn.AvoidWrongConvolutions();
        return true;
    });

    /// <summary>How many CUDA devices this build of libtorch can use; 0 with the CPU build.</summary>
    public static int CudaDeviceCount()
    {
        _ = Prepared.Value;
        return torch.cuda.is_available() ? torch.cuda.device_count() : 0;
    }

    public void InitializeThread(Device device)
    {
        _ = Prepared.Value;
        torch.InitializeDeviceType(ToTorch(device.Kind));
        // The count belongs to the calling thread, so each device gets its share of the cores.
        torch.set_num_threads(device.Threads);
    }

    public void Prepare()
    {
        using var mode = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        using var compiled = torch.jit.compile("def f(x, kernel, weight):\n  return torch.matmul(torch.conv2d(x, kernel).flatten(1), weight)\n");
        // Torch compiles in the second pass.
        for (var pass = 0; pass < 3; pass++)
            compiled.invoke("f", torch.zeros(1, 1, 16, 16), torch.zeros(8, 1, 3, 3), torch.zeros(8 * 14 * 14, 8));
    }

    public IModelInstance Load(ModelVersion version, Device device)
    {
        var archive = TorchArchive.Read(version.ModelPath);
        if (archive is { Fault.Length: > 0 }) throw new InferenceException(InferenceError.NotReady, archive.Fault);
        try
        {
            return archive?.Forward is { ReturnsDict: true }
                ? LoadWithDict(version, archive.Forward, device)
                : Load(version.ModelPath, version, archive?.Forward, null, device);
        }
        catch (Exception exception) when (exception is not InferenceException)
        {
            throw new InferenceException(
                InferenceError.NotReady, $"{version.Config.ModelFile} cannot be loaded: {FirstLine(exception.Message)}", exception);
        }
    }

    public static DeviceType ToTorch(DeviceKind kind) => kind == DeviceKind.Cuda ? DeviceType.CUDA : DeviceType.CPU;

    /// <summary>Torch appends its native call stack to messages; callers need the first sentences only.</summary>
    public static string FirstLine(string message)
    {
        var end = message.IndexOf("Exception raised from", StringComparison.Ordinal);
        return (end < 0 ? message : message[..end]).Trim();
    }

    /// <summary>Why a pass failed: the message, but of that of our own code in the archive only what we have written.</summary>
    public static string Reason(string message)
    {
        var own = message.LastIndexOf(DictOutputs.MissingKey, StringComparison.Ordinal);
        return FirstLine(own < 0 ? message : message[own..]);
    }

    private static TorchModel LoadWithDict(ModelVersion version, ForwardSchema forward, Device device)
    {
        // A folder that nobody else can read, since it holds all that the model's own does.
        var folder = Directory.CreateTempSubdirectory("orleans-inference-");
        try
        {
            var copy = Path.Combine(folder.FullName, version.Config.ModelFile);
            DictOutputs.Write(version.ModelPath, copy, version.Network.Outputs.Select(output => output.Name));
            return Load(copy, version, forward, DictOutputs.Method, device);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TorchModel Load(string path, ModelVersion version, ForwardSchema? forward, string? method, Device device)
    {
        // By path and straight onto the device: from bytes the archive would be copied, and moving it later can abort the process.
        var module = torch.jit.load(path, ToTorch(device.Kind), device.Index);
        try
        {
            return new(module, version.FileSignature, Bind(module, forward, version.Network), method, device);
        }
        catch
        {
            module.Free();
            throw;
        }
    }

    private static ForwardArguments Bind(torch.jit.ScriptModule module, ForwardSchema? forward, ModelSignature network)
    {
        if (forward is null) return ForwardArguments.Guess(module.GetNumberOfInputs(), network);
        var errors = new List<string>();
        return ForwardArguments.Bind(forward, network, errors) ??
            throw new InferenceException(InferenceError.NotReady, string.Join("; ", errors));
    }
}
