using System.ComponentModel.DataAnnotations;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine;

/// <summary>What the <c>Inference</c> section says of a silo: its models, its devices and their limits.</summary>
public sealed class EngineOptions
{
    /// <summary>The configuration section.</summary>
    public const string SectionName = "Inference";

    /// <summary>The model repository folders.</summary>
    /// <value><c>models</c> beside the program.</value>
    [Required, MinLength(1)]
    public IList<string> Models { get; set; } = [];

    /// <summary>When the repositories are looked at, and which models are loaded without being asked for.</summary>
    /// <value><see cref="ModelControlMode.Watch"/>.</value>
    [EnumDataType(typeof(ModelControlMode))]
    public ModelControlMode ModelControlMode { get; set; }

    /// <summary>How often the repositories are looked through; where they are watched, in case that has missed something.</summary>
    /// <value>15 s.</value>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The models that are loaded without being asked for in <see cref="ModelControlMode.Explicit"/>; <c>*</c> for all.</summary>
    [MaxLength(10_000)]
    public IList<string> LoadModels { get; set; } = [];

    /// <summary>The first part of the device names; unique in the cluster.</summary>
    /// <value>The host's name.</value>
    [Required, RegularExpression("^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    public string SiloName { get; set; } = Environment.MachineName;

    /// <summary>The devices, as <c>cpu:0</c> or <c>cuda:1</c>. Several CPU devices share the cores among them.</summary>
    /// <value>Every CUDA device, or else one <c>cpu:0</c>.</value>
    [MaxLength(64)]
    public IList<string> Devices { get; set; } = [];

    /// <summary>How many threads one operation of a network may use on a CPU device.</summary>
    /// <value>0: all cores but one are shared out among the devices.</value>
    [Range(0, 1024)]
    public int ThreadsPerDevice { get; set; }

    /// <summary>The most requests that wait for one model on one device, where the model's configuration sets no limit.</summary>
    /// <value>1024.</value>
    [Range(1, 1_000_000)]
    public int MaxQueueSize { get; set; } = 1024;

    /// <summary>
    /// How many bytes of a device's memory models may take. Where it is set, a model is loaded by its first request, and leaves when others
    /// need the room.
    /// </summary>
    /// <value>0: all models are loaded at once, and stay.</value>
    [Range(0, long.MaxValue)]
    public long DeviceMemoryBudget { get; set; }

    /// <summary>How long a new model may take to be loaded and run in the verifying process.</summary>
    /// <value>2 minutes.</value>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan VerificationTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many bytes of memory the process may have in use that loads and runs a new model for verification.</summary>
    /// <value>0: half of what the machine has, or the container.</value>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long VerificationMemory { get; set; }

    /// <summary>The folder for what the program must know after a crash: which models it had under way. Made where it is missing.</summary>
    /// <value><c>data</c> beside the program.</value>
    [Required]
    public string Data { get; set; } = Path.Combine(AppContext.BaseDirectory, "data");

    /// <summary>Whether models are loaded by their first request.</summary>
    public bool LoadsOnDemand => DeviceMemoryBudget > 0;

    /// <summary>Whether a model is loaded without being asked for.</summary>
    internal bool IsLoadedByItself(string model) =>
        ModelControlMode != ModelControlMode.Explicit || LoadModels.Contains("*") || LoadModels.Contains(model);

    /// <summary>Reads and checks the section. It is needed before there are services: a silo advertises its devices as it is built.</summary>
    /// <exception cref="OptionsValidationException">Everything that is wrong.</exception>
    public static EngineOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(SectionName);
        var options = section.Get<EngineOptions>() ?? new();
        // One folder may be given as a plain value, several as a list.
        if (section[nameof(Models)] is { Length: > 0 } single) options.Models = [single];
        if (options.Models.Count == 0) options.Models = [Path.Combine(AppContext.BaseDirectory, "models")];
        options.Models = [.. options.Models.Select(Path.GetFullPath)];
        if (options.Data.Length > 0) options.Data = Path.GetFullPath(options.Data);

        IValidateOptions<EngineOptions>[] validators = [new EngineOptionsAnnotationsValidator(), new EngineOptionsValidator()];
        var failures = validators
            .Select(validator => validator.Validate(SectionName, options))
            .SelectMany(result => result.Failures ?? [])
            .ToList();
        return failures.Count == 0 ? options : throw new OptionsValidationException(SectionName, typeof(EngineOptions), failures);
    }
}

[OptionsValidator]
internal sealed partial class EngineOptionsAnnotationsValidator : IValidateOptions<EngineOptions>;

/// <summary>What attributes cannot say.</summary>
internal sealed class EngineOptionsValidator : IValidateOptions<EngineOptions>
{
    public ValidateOptionsResult Validate(string? name, EngineOptions options)
    {
        var failures = new List<string>();
        foreach (var folder in options.Models)
        {
            if (!Directory.Exists(folder)) failures.Add($"Inference:Models: there is no folder '{folder}'.");
        }

        foreach (var device in options.Devices)
        {
            if (!Device.TryParse(device, out _, out _))
                failures.Add($"Inference:Devices: '{device}' is no device: expected 'cpu:<index>' or 'cuda:<index>'.");
        }

        if (options.Devices.Distinct().Count() < options.Devices.Count)
            failures.Add($"Inference:Devices: a device is there twice: {string.Join(", ", options.Devices)}.");
        if (options.LoadModels.Count > 0 && options.ModelControlMode != ModelControlMode.Explicit)
            failures.Add($"Inference:LoadModels: is for ModelControlMode Explicit only; in {options.ModelControlMode} all models are loaded.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
