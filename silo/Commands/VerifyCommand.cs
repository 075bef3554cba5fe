using System.CommandLine;
using System.Globalization;

using OrleansInference.Engine;
using OrleansInference.Engine.Profiling;
using OrleansInference.Grains.Models;
using OrleansInference.Tensors;

namespace OrleansInference.Silo.Commands;

/// <summary><c>verify</c>: what a silo would make of model repositories.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var folders = new Argument<DirectoryInfo[]>("folder")
        {
            Description = "A model repository: a folder with a folder for each model.",
            Arity = ArgumentArity.OneOrMore,
        };
        folders.AcceptExistingOnly();
        const string Purpose =
            "Checks model repositories without serving them: every model is loaded and run in a process of its own. " +
            "Exits with 1 where one cannot be served.";
        var command = new Command("verify", Purpose) { folders };
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(folders)!, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, CancellationToken cancellationToken)
    {
        var paths = folders.Select(folder => folder.FullName).ToList();
        var models = await RepositoryCheck.RunAsync(new EngineOptions { Models = paths }, cancellationToken);
        if (models.Count == 0)
        {
            await Console.Error.WriteLineAsync($"there is no model in {string.Join(", ", paths)}");
            return SiloCommands.Problems;
        }

        var table = new AlignedTable("MODEL", " VERSION", "PLATFORM", "INPUTS", "OUTPUTS", "STATE");
        foreach (var model in models) AddRow(table, model);
        var problems = models.Where(model => model.Problem.Length > 0).Select(model => $"{NameOf(model)}: {model.Problem}").ToList();
        var warnings = models.SelectMany(model => model.Warnings.Select(warning => $"{NameOf(model)}: {warning}")).ToList();
        Console.Write(table);
        Write("problems", problems);
        Write("warnings", warnings);
        Console.WriteLine();
        Console.WriteLine($"models: {models.Count}, broken: {problems.Count}, warnings: {warnings.Count}");
        return problems.Count == 0 ? SiloCommands.Success : SiloCommands.Problems;
    }

    private static void AddRow(AlignedTable table, CheckedModel model) => table.Add(
        model.Id.Name,
        VersionOf(model),
        model.Descriptor?.Platform ?? "-",
        Describe(model.Descriptor?.Inputs),
        Describe(model.Descriptor?.Outputs),
        model.Problem.Length > 0 ? "BROKEN" : "sound");

    /// <summary>Without a version where the model has none.</summary>
    private static string NameOf(CheckedModel model) => model.Id.Version == 0 ? model.Id.Name : $"{model.Id.Name} version {VersionOf(model)}";

    private static string VersionOf(CheckedModel model) => model.Id.Version == 0 ? "-" : model.Id.Version.ToString(CultureInfo.InvariantCulture);

    private static string Describe(IReadOnlyList<TensorSignature>? tensors) => tensors is null
        ? "-"
        : string.Join('\n', tensors.Select(tensor =>
            $"{tensor.Name} {tensor.DataType.ToProtocolName()}{(tensor.AnyRank ? "[*]" : TensorShape.Format(tensor.Shape))}"));

    private static void Write(string heading, List<string> lines)
    {
        if (lines.Count == 0) return;
        Console.WriteLine();
        Console.WriteLine($"{heading}:");
        // What a runtime says may have several lines.
        foreach (var line in lines) Console.WriteLine($"  {line.ReplaceLineEndings("\n    ")}");
    }
}
