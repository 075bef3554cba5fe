using Microsoft.Extensions.Options;

using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Devices;

/// <summary>Finds the devices of this process.</summary>
public static class DeviceDiscovery
{
    /// <summary>The configured devices; else every CUDA device; else one <c>cpu:0</c> with all cores but one.</summary>
    public static IReadOnlyList<Device> Find(EngineOptions options)
    {
        if (options.Devices.Any(name => name.StartsWith("cuda:", StringComparison.Ordinal)))
            CheckCuda(options.Devices, TorchRuntime.CudaDeviceCount());
        IReadOnlyList<string> names = options.Devices.Count > 0 ? [.. options.Devices] : Discover();
        // One core is left to the requests. The threads of an operation wait for each other, spinning: where one of them has no core
        // because a request is being read there, all the others burn theirs for as long as that takes.
        var threads = options.ThreadsPerDevice > 0 ? options.ThreadsPerDevice : Math.Max(1, (Environment.ProcessorCount - 1) / names.Count);
        return
        [
            .. names.Select(name => Device.TryParse(name, out var kind, out var index)
                ? new Device($"{options.SiloName}.{name}", kind, index, threads)
                : throw new FormatException($"'{name}' is no device: expected 'cpu:<index>' or 'cuda:<index>'.")),
        ];
    }

    private static void CheckCuda(IEnumerable<string> names, int available)
    {
        var missing = names
            .Where(name => Device.TryParse(name, out var kind, out var index) && kind == DeviceKind.Cuda && index >= available)
            .Select(name => $"{EngineOptions.SectionName}:Devices: '{name}' does not exist: libtorch finds {available} CUDA devices.")
            .ToList();
        if (missing.Count > 0) throw new OptionsValidationException(EngineOptions.SectionName, typeof(EngineOptions), missing);
    }

    private static IReadOnlyList<string> Discover()
    {
        var gpus = TorchRuntime.CudaDeviceCount();
        return gpus == 0 ? ["cpu:0"] : [.. Enumerable.Range(0, gpus).Select(index => $"cuda:{index}")];
    }
}
