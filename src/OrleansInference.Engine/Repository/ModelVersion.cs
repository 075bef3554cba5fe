using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Processing;

namespace OrleansInference.Engine.Repository;

/// <summary>A model version in a repository: its configuration and where its file lies.</summary>
public sealed class ModelVersion
{
    private readonly HashSet<(string Path, long Length, DateTime Written)> _files;

    internal ModelVersion(ModelId id, ModelConfig config, string modelFolder)
    {
        Id = id;
        Config = config;
        ModelFolder = modelFolder;
        _files = ListFiles();
        Signature = ModelSignatures.OfModel(config);
        Network = ModelSignatures.OfNetwork(config);
        Descriptor = new()
        {
            Id = id,
            Platform = config.Platform,
            MaxBatchSize = config.MaxBatchSize,
            Inputs = Signature.Inputs,
            Outputs = Signature.Outputs,
            Configuration = config.Json,
            IsDecoupled = config.Iteration is not null,
            IsStateful = config.IsStateful,
            Ensemble = config.Ensemble,
            Routing = config.Routing,
            Preprocessed = [.. config.Skippable.Select(ToPreprocessed)],
            HasProcessing = config.Preprocessing.Count + config.Postprocessing.Count > 0,
            // Whatever kinds it leaves open: the reader admits no group of a GPU.
            DeviceKinds = config.Platform == OnnxRuntime.Platform ? ["cpu"] : [.. config.InstanceGroups.SelectMany(ToDeviceKinds).Distinct()],
        };
    }

    /// <summary>Name and version.</summary>
    public ModelId Id { get; }

    /// <summary>The configuration: the model's, and what the version's own file adds to it.</summary>
    public ModelConfig Config { get; }

    /// <summary>What callers send and get.</summary>
    public ModelSignature Signature { get; }

    /// <summary>What the network takes and gives.</summary>
    public ModelSignature Network { get; }

    /// <summary>What other processes need to know.</summary>
    public ModelDescriptor Descriptor { get; }

    /// <summary>The model's folder, above the version's.</summary>
    public string ModelFolder { get; }

    /// <summary>The file that the runtime loads.</summary>
    public string ModelPath =>
        Path.Combine(ModelFolder, Id.Version.ToString(System.Globalization.CultureInfo.InvariantCulture), Config.ModelFile);

    /// <summary>Why the version cannot be served; empty where nothing speaks against it.</summary>
    internal string FindFault() =>
        Config.Ensemble is not null || File.Exists(ModelPath) ? "" : $"the file {Id.Version}/{Config.ModelFile} is missing";

    /// <summary>Whether another reading of the repository found the same version in the same files.</summary>
    internal bool IsSameAs(ModelVersion other) => Id == other.Id && _files.SetEquals(other._files);

    /// <summary>The files that make up the version: its own, and those that all versions of the model share.</summary>
    private HashSet<(string Path, long Length, DateTime Written)> ListFiles()
    {
        var folder = new DirectoryInfo(ModelFolder);
        var own = new DirectoryInfo(Path.GetDirectoryName(ModelPath)!);
        var samples = new DirectoryInfo(Path.Combine(ModelFolder, WarmupReader.Folder));
        var files = folder.EnumerateFiles()
            .Concat(samples.Exists ? samples.EnumerateFiles() : [])
            .Concat(own.Exists ? own.EnumerateFiles("*", SearchOption.AllDirectories) : []);
        return [.. files.Select(file => (file.FullName, file.Length, file.LastWriteTimeUtc))];
    }

    private PreprocessedInputs ToPreprocessed(Preprocessing entry) =>
        new(entry.Inputs, [.. entry.Outputs.Select(output => Network.Inputs.First(input => input.Name == output.Name))]);

    private static IEnumerable<string> ToDeviceKinds(InstanceGroup group) => group switch
    {
        { Kind: null } => ["cpu", "cuda"],
        { Indexes: [] } => [group.Kind == Devices.DeviceKind.Cpu ? "cpu" : "cuda"],
        _ => group.Indexes.Select(index => $"cuda:{index}"),
    };
}
