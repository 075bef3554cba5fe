using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using Microsoft.Extensions.Options;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Profiling;

namespace OrleansInference.Silo.Commands;

/// <summary><c>bench</c>: how fast a model is, and with which settings it should be served.</summary>
internal static class BenchCommand
{
    private const int MaxThreads = 1024;
    private const double MaxSeconds = 60;

    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The model's name; its highest version is measured." };
        var models = new Option<DirectoryInfo[]>("--models")
        {
            Description = "Its model repository; several where it needs more than one.",
            DefaultValueFactory = _ => [new(Path.Combine(AppContext.BaseDirectory, "models"))],
        };
        models.AcceptExistingOnly();
        var device = new Option<string>("--device") { Description = "The device, as cpu:0 or cuda:0.", DefaultValueFactory = _ => "cpu:0" };
        device.Validators.Add(result => Check(
            result, Device.TryParse(result.GetValueOrDefault<string>(), out _, out _), "is no device: expected cpu:<index> or cuda:<index>"));
        var seconds = new Option<double>("--seconds") { Description = "How long each point is measured.", DefaultValueFactory = _ => 1 };
        seconds.Validators.Add(result => Check(
            result, result.GetValueOrDefault<double>() is > 0 and <= MaxSeconds, $"is not above 0 and at most {MaxSeconds}"));
        var threads = new Option<int[]>("--threads")
        {
            Description = "Numbers of threads to try.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. ProfileOptions.DefaultThreads(Environment.ProcessorCount)],
        };
        threads.Validators.Add(result => Check(
            result, result.GetValueOrDefault<int[]>()!.All(count => count is > 0 and <= MaxThreads), $"is not from 1 to {MaxThreads}"));
        var shapes = new Option<string[]>("--shape")
        {
            Description = "The size of an input with open dimensions, as image:3,224,224, without the batch.",
            DefaultValueFactory = _ => [],
        };
        shapes.Validators.Add(result => Check(result, AreShapes(result.GetValueOrDefault<string[]>()!), "is not <input>:<size>,<size>,... with each input once"));
        var command = new Command("bench", "Measures how fast a model is with batches of 1, 2, 4, ... rows, and suggests settings.")
        {
            model, models, device, seconds, threads, shapes,
        };
        command.SetAction((result, cancellationToken) => RunAsync(
            new()
            {
                Models = [.. result.GetValue(models)!.Select(folder => folder.FullName)],
                Model = result.GetValue(model)!,
                Device = result.GetValue(device)!,
                Duration = TimeSpan.FromSeconds(result.GetValue(seconds)),
                Threads = [.. result.GetValue(threads)!.Distinct().Order()],
                Shapes = result.GetValue(shapes)!.Select(Parse).ToDictionary(shape => shape.Input, shape => shape.Dims),
            },
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ProfileOptions options, CancellationToken cancellationToken)
    {
        try
        {
            Write(options, await ModelProfiler.RunAsync(options, TimeProvider.System, cancellationToken));
            return SiloCommands.Success;
        }
        catch (Exception exception) when (exception is InferenceException or OptionsValidationException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return SiloCommands.Problems;
        }
    }

    private static void Write(ProfileOptions options, ModelProfile profile)
    {
        var (model, batches) = (profile.Model, profile.Model.MaxBatchSize > 0);
        Console.WriteLine(
            $"{model.Id.Name} version {model.Id.Version}, {model.Platform}, on {options.Device}, {options.Duration.TotalSeconds} s for each point");
        Console.WriteLine();
        var table = new AlignedTable(" THREADS", " ROWS", " P50 ms", " P99 ms", " ROWS/s");
        foreach (var point in profile.Points)
        {
            table.Add(
                point.Threads.ToString(CultureInfo.InvariantCulture),
                point.BatchSize.ToString(CultureInfo.InvariantCulture),
                point.P50.TotalMilliseconds.ToString("F3", CultureInfo.InvariantCulture),
                point.P99.TotalMilliseconds.ToString("F3", CultureInfo.InvariantCulture),
                point.RowsPerSecond.ToString("F0", CultureInfo.InvariantCulture));
        }

        Console.WriteLine(table);
        if (profile.Limit.Length > 0) Console.WriteLine(profile.Limit);
        var suggestion = ProfileSuggestion.Of(profile.Points);
        Console.WriteLine($"suggested: Inference:ThreadsPerDevice={suggestion.Threads}");
        Console.WriteLine(batches
            ? $"suggested: max_batch_size {suggestion.MaxBatchSize} (the configuration says {model.MaxBatchSize})"
            : "max_batch_size is 0, so that requests do not share batches");
    }

    private static (string Input, long[] Dims) Parse(string text) =>
        ProfileOptions.TryParseShape(text, out var input, out var dims) ? (input, dims) : throw new FormatException($"'{text}' is no shape.");

    private static bool AreShapes(string[] texts)
    {
        var inputs = new HashSet<string>();
        return texts.All(text => ProfileOptions.TryParseShape(text, out var input, out _) && inputs.Add(input));
    }

    private static void Check(OptionResult result, bool isSound, string mistake)
    {
        if (!isSound) result.AddError($"{result.Option.Name}: '{string.Join(' ', result.Tokens.Select(token => token.Value))}' {mistake}");
    }
}
