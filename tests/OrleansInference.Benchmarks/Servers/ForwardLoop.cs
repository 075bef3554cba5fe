using System.Diagnostics;
using System.Globalization;

using OrleansInference.Benchmarks.Models;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Torch;

using TorchSharp;

namespace OrleansInference.Benchmarks.Servers;

/// <summary>Limit A: the forward pass of the same runtime in a loop, at its best batch size, with no server around it.</summary>
internal static class ForwardLoop
{
    private const int WarmupPasses = 5;

    /// <summary>Prints rows per second and per second of processor time, and the batch size at which the latter is highest.</summary>
    public static void Run(string repository, string modelName, double secondsPerBatchSize)
    {
        // As the server does: threads, the C library's allocator, the instructions that oneDNN may use.
        new TorchRuntime().InitializeThread(new("forward.cpu:0", DeviceKind.Cpu, 0, Environment.ProcessorCount));
        var model = BenchmarkModel.All.Single(candidate => candidate.Name == modelName);
        using var module = torch.jit.load<torch.Tensor, torch.Tensor>(model.FileIn(repository));
        module.eval();
        using var mode = torch.inference_mode();
        var best = (Batch: 0, PerSecond: 0.0, PerProcessorSecond: 0.0);
        for (var batch = 1; batch <= Math.Max(1, model.MaxBatchSize); batch *= 2)
        {
            using var input = torch.rand([batch, .. model.Row]);
            for (var pass = 0; pass < WarmupPasses; pass++) Pass(module, input);
            var processor = Process.GetCurrentProcess().TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            var rows = 0L;
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < secondsPerBatchSize)
            {
                Pass(module, input);
                rows += batch;
            }

            var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var perProcessorSecond = rows / (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
            if (perProcessorSecond > best.PerProcessorSecond) best = (batch, rows / elapsed, perProcessorSecond);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{best.Batch} {best.PerSecond:F3} {best.PerProcessorSecond:F3}"));
    }

    private static void Pass(torch.jit.ScriptModule<torch.Tensor, torch.Tensor> module, torch.Tensor input)
    {
        using var scope = torch.NewDisposeScope();
        module.forward(input);
    }
}
