using System.Runtime.CompilerServices;

using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests;

/// <summary>The verifier starts the program that it runs in: this one, which then verifies a model in place of running tests, as the silo does.</summary>
internal static class VerificationProgram
{
    [ModuleInitializer]
    internal static void RunWhereMeant()
    {
        var args = Environment.GetCommandLineArgs()[1..];
        if (VerificationCommand.IsMeant(args)) Environment.Exit(VerificationCommand.Run(args));
    }
}
