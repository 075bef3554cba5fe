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

    /// <summary>Loads the model on the CPU and runs it. Prints the reason where that fails.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(string[] args)
    {
        if (args is not [Switch, var folder, var number] ||
            !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            Console.Error.WriteLine($"usage: {Switch} <model folder> <version>");
            return 2;
        }

        try
        {
            var model = FileModelRepository.Open(folder, version);
            var runtimes = new ModelRuntimes();
            var device = new Device("cpu:0", DeviceKind.Cpu, 0, 1);
            runtimes.Of(model.Config.Platform).InitializeThread(device);
            using var instance = runtimes.Load(model, device);
            Warmup.Run(instance, model);
            return Sound;
        }
        catch (InferenceException exception)
        {
            Console.Out.WriteLine(exception.Message);
            return Broken;
        }
    }
}
