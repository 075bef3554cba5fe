using System.Diagnostics;
using System.Runtime.CompilerServices;

using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests;

/// <summary>
/// The verifier starts the program that it runs in: this one, which then verifies a model in place of running tests, as the silo does. What no
/// archive can do by itself, but a faulty library could, it does for models of certain names.
/// </summary>
internal static class VerificationProgram
{
    /// <summary>Leaves a process behind.</summary>
    public const string Forking = "forking";

    /// <summary>Ends the process as if all were well.</summary>
    public const string Leaving = "leaving";

    [ModuleInitializer]
    internal static void RunWhereMeant()
    {
        var args = Environment.GetCommandLineArgs()[1..];
        if (!VerificationCommand.IsMeant(args)) return;
        var model = Path.GetFileName(args[1]);
        if (model == Leaving) Environment.Exit(0);
        var verdict = VerificationCommand.Run(args);
        // It inherits the output, and holds it open.
        if (model == Forking) Process.Start("tail", ["-f", Path.Combine(args[1], "config.json")]).Dispose();
        Environment.Exit(verdict);
    }
}
