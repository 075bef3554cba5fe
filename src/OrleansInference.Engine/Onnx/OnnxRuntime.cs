using System.Text.RegularExpressions;

using Microsoft.ML.OnnxRuntime;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Onnx;

/// <summary>ONNX models through ONNX Runtime, on CPUs.</summary>
internal sealed partial class OnnxRuntime : IModelRuntime
{
    public const string Platform = "onnxruntime_onnx";
    public const string ModelFile = "model.onnx";

    private const string Off = "0";

    /// <summary>A model whose output <c>y</c> is its input <c>x</c>, of FP32.</summary>
    private static ReadOnlySpan<byte> Identity =>
        "\b\b:+\n\u0010\n\u0001x\u0012\u0001y\"\bIdentity\u0012\u0001gZ\t\n\u0001x\u0012\u0004\n\u0002\b\u0001b\t\n\u0001y\u0012\u0004\n\u0002\b\u0001B\u0002\u0010\u0011"u8;

    // What it has to say comes as an exception; its own log would go to the console.
    private static readonly Lazy<OrtEnv> Environment = new(() =>
    {
        var options = new EnvironmentCreationOptions { logId = "onnx", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var environment = OrtEnv.CreateInstanceWithOptions(ref options);
        environment.DisableTelemetryEvents();
        return environment;
    });

    public void InitializeThread(Device device) => NativeMemory.KeepFreedPages();

    public void Prepare()
    {
        _ = Environment.Value;
        using var session = new InferenceSession(Identity.ToArray());
        using var run = new RunOptions();
        using var x = OrtValue.CreateTensorValueFromMemory(new float[1], [1]);
        using var y = session.Run(run, ["x"], [x], ["y"]);
    }

    public IModelInstance Load(ModelVersion version, Device device)
    {
        if (device.Kind != DeviceKind.Cpu)
            throw new InferenceException(InferenceError.NotReady, $"{Platform} runs on CPUs alone, and '{device.Name}' is none");
        try
        {
            _ = Environment.Value;
            using var options = Options(device);
            // By path, since a model's weights may lie in files beside it.
            return new OnnxModel(new InferenceSession(version.ModelPath, options), version.FileSignature);
        }
        catch (Exception exception) when (exception is not InferenceException)
        {
            // Callers know nothing of this machine's folders.
            var reason = Reason(exception).Replace(Path.GetDirectoryName(version.ModelPath) + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
            throw new InferenceException(InferenceError.NotReady, $"{version.Config.ModelFile} cannot be loaded: {reason}", exception);
        }
    }

    /// <summary>The runtime's message without what it begins with: its code, the file, and the place in its own source.</summary>
    public static string Reason(Exception exception) => Beginning().Replace(exception.Message, "").Trim();

    private static SessionOptions Options(Device device)
    {
        var options = new SessionOptions
        {
            IntraOpNumThreads = device.Threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            // It remembers a plan for every shape that it sees, without a bound.
            EnableMemoryPattern = false,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Between passes its threads would spin on cores that the requests need.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", Off);
        options.AddSessionConfigEntry("session.inter_op.allow_spinning", Off);
        return options;
    }

    [GeneratedRegex(@"^\[ErrorCode:\w+\]\s*(Load model from .+? failed:\s*)?(\S+:\d+ [^(]*\(.*?\) )?")]
    private static partial Regex Beginning();
}
