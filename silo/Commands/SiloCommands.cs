using System.CommandLine;

namespace OrleansInference.Silo.Commands;

/// <summary>What the program can do beside being a silo. All of it ends by itself.</summary>
internal static class SiloCommands
{
    public const int Success = 0;
    public const int Problems = 1;
    public const int WrongUsage = 2;

    /// <summary>Whether the arguments begin with a command or ask for help; settings begin with a hyphen or a slash, or have an equals sign.</summary>
    public static bool IsMeant(string[] args) =>
        args is ["--help" or "-h" or "-?", ..] || (args is [{ Length: > 0 } first, ..] && first[0] is not ('-' or '/') && !first.Contains('='));

    public static async Task<int> RunAsync(string[] args)
    {
        const string Description =
            "The model server of OrleansInference. Without a command it starts, with settings such as --Inference:Models=my-models.";
        var root = new RootCommand(Description) { VerifyCommand.Create(), BenchCommand.Create(), HealthCommand.Create() };
        foreach (var version in root.Options.OfType<VersionOption>().ToList()) root.Options.Remove(version);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count == 0) return await parsed.InvokeAsync();
        foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync(error.Message);
        await Console.Error.WriteLineAsync($"--help tells what can be said after '{parsed.CommandResult.Command.Name}'.");
        return WrongUsage;
    }
}
