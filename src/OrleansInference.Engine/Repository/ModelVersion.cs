using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Processing;

namespace OrleansInference.Engine.Repository;

/// <summary>A model version in a repository: its configuration and where its file lies.</summary>
public sealed class ModelVersion
{
    internal ModelVersion(ModelId id, ModelConfig config, string modelFolder)
    {
        Id = id;
        Config = config;
        ModelFolder = modelFolder;
        Revision = FolderListing.Fingerprint(modelFolder, ListFiles());
        Signature = ModelSignatures.OfModel(config);
        Network = ModelSignatures.OfNetwork(config);
        FileSignature = ModelSignatures.OfFile(config, Network);
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
            MinInstances = config.MinInstances,
            Replicas = config.Replicas,
            Autoscaling = config.Autoscaling,
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

    /// <summary>What the network's file takes and gives, which may be in other shapes.</summary>
    public ModelSignature FileSignature { get; }

    /// <summary>What other processes need to know.</summary>
    public ModelDescriptor Descriptor { get; }

    /// <summary>The model's folder, above the version's.</summary>
    public string ModelFolder { get; }

    /// <summary>Another one as soon as any of the version's files is, on whatever silo; short.</summary>
    public string Revision { get; }

    /// <summary>The file that the runtime loads.</summary>
    public string ModelPath =>
        Path.Combine(ModelFolder, Id.Version.ToString(System.Globalization.CultureInfo.InvariantCulture), Config.ModelFile);

    /// <summary>Why the version cannot be served; empty where nothing speaks against it.</summary>
    internal string FindFault()
    {
        if (Config.Ensemble is not null || File.Exists(ModelPath)) return "";
        var missing = $"the file {Id.Version}/{Config.ModelFile} is missing";
        var others = Directory.Exists(Folder) ? Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(3).ToList() : [];
        return others.Count == 0
            ? missing
            : $"{missing}, though there is {string.Join(", ", others)}: rename it, or name it in default_model_filename";
    }

    private string Folder => Path.GetDirectoryName(ModelPath)!;

    /// <summary>The files that make up the version: its own, and those that all versions of the model share.</summary>
    private IEnumerable<FileSystemInfo> ListFiles()
    {
        var folder = new DirectoryInfo(ModelFolder);
        var own = new DirectoryInfo(Folder);
        var samples = new DirectoryInfo(Path.Combine(ModelFolder, WarmupReader.Folder));
        return folder.EnumerateFiles()
            .Concat<FileSystemInfo>(samples.Exists ? samples.EnumerateFiles() : [])
            .Concat(own.Exists ? FolderListing.ListAll(Folder) : []);
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
