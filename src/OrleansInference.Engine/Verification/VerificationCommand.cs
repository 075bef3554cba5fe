using System.Globalization;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>The child's side of <see cref="ChildProcessVerifier"/>; the program calls it before anything else.</summary>
public static class VerificationCommand
{
    /// <summary>The first argument that makes the program verify a model and end.</summary>
    public const string Switch = "--verify-model";

    internal const int Sound = 0;
    internal const int Broken = 3;

    /// <summary>Whether the arguments ask for a verification: the switch, the model's folder, the version.</summary>
    public static bool IsMeant(string[] args) => args is [Switch, ..];

    /// <summary>
    /// Loads the model on the CPU and runs it. Reads a word and the bytes of memory that may be in use, the first line of its input, and prints
    /// between two of that word what has come of it. Ends at once where its input does.
    /// </summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(string[] args)
    {
        if (args is not [Switch, var folder, var number] ||
            !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            Console.Error.WriteLine($"usage: {Switch} <model folder> <version>");
            return 2;
        }

        if (Console.In.ReadLine()?.Split(' ') is not [var word, var bytes] ||
            !long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out var memory))
        {
            Console.Error.WriteLine("expected on the first line: <word> <bytes of memory>");
            return 2;
        }

        ProcessLimits.Apply(memory);
        ProcessLimits.EndWithInput();
        try
        {
            var model = ModelFolderReader.Open(folder, version);
            Console.Out.Write(VerificationMessage.Sound(word, Measure(model)));
            return Sound;
        }
        catch (InferenceException exception)
        {
            Console.Out.Write(VerificationMessage.Broken(word, exception.Message));
            return Broken;
        }
    }

    /// <returns>What the model has added to the process's memory.</returns>
    private static long Measure(ModelVersion model)
    {
        var runtimes = new ModelRuntimes();
        var runtime = runtimes.Of(model.Config.Platform);
        var device = new Device("cpu:0", DeviceKind.Cpu, 0, 1);
        runtime.InitializeThread(device);
        runtime.Prepare();
        var before = OwnMemory.Read();
        using var instance = runtimes.Load(model, device);
        Warmup.Run(instance, model);
        var added = OwnMemory.Read() - before;
        return Math.Max(1, Math.Max(added, OwnMemory.MappedFrom(Path.GetDirectoryName(model.ModelPath)!)));
    }
}
