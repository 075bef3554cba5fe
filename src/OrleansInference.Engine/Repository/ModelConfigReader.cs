using System.Globalization;
using System.Text.Json;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Onnx;
using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository.Triton;
using OrleansInference.Engine.Torch;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads and checks a model's <c>config.json</c> or <c>config.pbtxt</c>, and reports everything that is wrong with it, not the first thing only.</summary>
internal sealed class ModelConfigReader
{
    public const string FileName = "config.json";

    private const int MaxBatchSizeLimit = 65_536;

    /// <summary>More than the longest list of categories takes that a configuration may have.</summary>
    private const int MaxLength = 16 << 20;

    private static readonly (string, DataType)[] DataTypeNames =
    [
        .. Enum.GetValues<DataType>().Select(type => (NameOf(type), type)),
    ];

    /// <summary>What <see cref="ReadKind"/> reads.</summary>
    private static readonly string[] KindFields = ["backend", "platform", "default_model_filename"];

    private readonly string _folder;
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];

    private ModelConfigReader(string folder) => _folder = folder;

    /// <summary>A datatype as the configuration names it.</summary>
    public static string NameOf(DataType type) => type == DataType.Bytes ? "TYPE_STRING" : $"TYPE_{type.ToProtocolName()}";

    /// <summary>The datatype of an input or output.</summary>
    public static DataType ReadDataType(JsonSection section)
    {
        if (!section.Has("data_type")) section.Error("data_type", "is missing");
        return section.OneOf("data_type", DataType.Float32, DataTypeNames);
    }

    /// <summary>Whether a name is a file's, and no path.</summary>
    public static bool IsPlainName(string file) => file.Length > 0 && file == Path.GetFileName(file) && file is not ("." or "..");

    /// <summary>Reads the configuration in a model's folder, and from the version's file what it leaves out and the file tells.</summary>
    /// <param name="modelFolder">The model's folder.</param>
    /// <param name="version">The version.</param>
    /// <param name="other">Another version's configuration of the same file, with which this one shares what takes memory.</param>
    /// <returns>The configuration, or every reason why there is none.</returns>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotReady"/>: the version's file, or the text of its <c>config.pbtxt</c>, is not what it should be.
    /// </exception>
    public static (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string modelFolder, int version, ModelConfig? other = null)
    {
        var reader = new ModelConfigReader(modelFolder);
        try
        {
            var root = ReadFile(modelFolder);
            if (root.ValueKind != JsonValueKind.Object) return (null, ["the file holds no JSON object"]);
            var config = reader.ReadModel(root, version, other);
            return reader._errors.Count == 0 ? (config, []) : (null, reader._errors);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return (null, [exception.Message]);
        }
    }

    /// <summary>What tells which versions are served, before any of them is looked at. What is wrong with it is told by <see cref="Read"/>.</summary>
    public static (VersionPolicy Policy, bool IsEnsemble) ReadOutline(string modelFolder)
    {
        try
        {
            var section = new JsonSection(ReadFile(modelFolder), "", [], [], null);
            return (VersionPolicyReader.Read(section), section.String("platform", "") == EnsembleReader.Platform);
        }
        catch (Exception exception) when (IsUnreadable(exception) || exception is InferenceException)
        {
            return (new(1, null), false);
        }
    }

    /// <summary>The name of the file that a model's folder has; the usual one where it has none.</summary>
    public static string FileNameIn(string modelFolder) =>
        File.Exists(Path.Combine(modelFolder, TritonConfig.FileName)) ? TritonConfig.FileName : FileName;

    /// <summary>The file's content; an empty object where there is none.</summary>
    private static JsonElement ReadFile(string modelFolder)
    {
        var file = Path.Combine(modelFolder, FileName);
        if (FileNameIn(modelFolder) == TritonConfig.FileName)
        {
            return !File.Exists(file)
                ? TritonConfig.Read(Path.Combine(modelFolder, TritonConfig.FileName))
                : throw new InferenceException(
                    InferenceError.NotReady, $"there are both {FileName} and {TritonConfig.FileName}, and nobody knows which of them counts: remove one");
        }

        using var document = JsonDocument.Parse(
            File.Exists(file) ? ReadBounded(file) : "{}"u8.ToArray(),
            new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    private static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        if (file.Length > MaxLength) throw new IOException($"the file has {file.Length} bytes, over the limit of {MaxLength}");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private JsonSection Section(JsonElement root) => new(root, "", _errors, _warnings, TritonFields.Model);

    private static bool IsUnreadable(Exception exception) =>
        exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException;

    private ModelConfig ReadModel(JsonElement root, int version, ModelConfig? other)
    {
        var name = Path.GetFileName(_folder);
        var (platform, modelFile) = ReadKind(Section(root), version);
        OnnxSignature? file = null;
        TorchArchive? archive = null;
        var shownFile = string.Create(CultureInfo.InvariantCulture, $"{version}/{modelFile}");
        if (platform == OnnxRuntime.Platform && _errors.Count == 0)
        {
            file = OnnxSignature.Read(Path.Combine(_folder, shownFile));
            root = OnnxConfig.Complete(root, file, shownFile);
        }
        else if (platform == TorchRuntime.Platform && _errors.Count == 0)
        {
            // What is wrong with the file is the runtime's to say: the configuration is sound without it.
            archive = TorchArchive.Read(Path.Combine(_folder, shownFile));
            if (!File.Exists(Path.Combine(_folder, FileNameIn(_folder)))) throw WithoutConfig(archive, shownFile);
            root = TorchConfig.Complete(root, archive);
        }

        var section = Section(root);
        foreach (var field in KindFields) section.Ignore(field);
        var given = section.String("name", name);
        if (given != name) section.Error("name", $"'{given}' is not the name of the model's folder, '{name}'");

        var maxBatchSize = section.Integer("max_batch_size", 0, 0, MaxBatchSizeLimit);
        var inputs = ReadTensors(section, "input", maxBatchSize, platform, TorchConfig.Suggest(archive, "input"));
        var outputs = ReadTensors(section, "output", maxBatchSize, platform, TorchConfig.Suggest(archive, "output"));
        var groups = ReadInstanceGroups(section, platform);
        var config = new ModelConfig
        {
            Name = name,
            Platform = platform,
            ModelFile = modelFile,
            MaxBatchSize = maxBatchSize,
            Inputs = inputs,
            Outputs = outputs,
            VersionPolicy = VersionPolicyReader.Read(section),
            Batching = BatchingReader.Read(section, maxBatchSize),
            InstanceGroups = groups,
            MinInstances = section.Integer("min_instances", 0, 0, ReplicasReader.Limit),
            Replicas = ReplicasReader.Read(section, groups),
            Autoscaling = ReplicasReader.ReadAutoscaling(section),
            Preprocessing = ReadPreprocessing(section, inputs, maxBatchSize, platform, other),
            Postprocessing = PostprocessingReader.Read(section, outputs),
            Iteration = IterationReader.Read(section),
            Ensemble = EnsembleReader.Read(section, platform, name, maxBatchSize),
            Routing = RoutingReader.Read(section),
            IsStateful = section.Boolean(TorchConfig.Stateful, false),
            Warmup = WarmupReader.Read(section, maxBatchSize, _folder),
            // Without the comments and trailing commas that the file may have, and JSON may not.
            Json = JsonSerializer.Serialize(root),
            Warnings = _warnings,
        };
        section.Ignore("parameters");
        section.RejectUnknown();
        if (_errors.Count > 0) return config;
        CheckNetwork(config);
        if (file is not null) _errors.AddRange(OnnxConfig.Check(ModelSignatures.OfFile(config, ModelSignatures.OfNetwork(config)), file, shownFile));
        if (archive?.Forward is { } forward)
        {
            var errors = new List<string>();
            config = config with { NumberInputs = TorchConfig.Check(ModelSignatures.OfNetwork(config), forward, errors) };
            _errors.AddRange(errors.Select(error => $"{error} ({shownFile})"));
        }

        return config.Ensemble is { } plan ? config with { Ensemble = EnsembleCheck.Complete(plan, ModelSignatures.OfNetwork(config), _errors) } : config;
    }

    /// <summary>Which runtime has the model, and the name of its file, as far as the configuration tells them; else what lies there does.</summary>
    private (string Platform, string ModelFile) ReadKind(JsonSection section, int version)
    {
        var folder = Path.Combine(_folder, version.ToString(CultureInfo.InvariantCulture));
        var isOnnx = File.Exists(Path.Combine(folder, OnnxRuntime.ModelFile)) && !File.Exists(Path.Combine(folder, TorchRuntime.ModelFile));
        var backend = section.OneOf("backend", (string?)null, ("onnxruntime", OnnxRuntime.Platform), ("pytorch", TorchRuntime.Platform));
        var platform = section.OneOf(
            "platform",
            backend ?? (isOnnx ? OnnxRuntime.Platform : TorchRuntime.Platform),
            (TorchRuntime.Platform, TorchRuntime.Platform),
            (OnnxRuntime.Platform, OnnxRuntime.Platform),
            (EnsembleReader.Platform, EnsembleReader.Platform));
        if (backend is not null && platform != backend) section.Error("backend", $"contradicts platform '{platform}'");
        return (platform, ReadModelFile(section, platform == OnnxRuntime.Platform ? OnnxRuntime.ModelFile : TorchRuntime.ModelFile));
    }

    private static string ReadModelFile(JsonSection section, string usual)
    {
        var file = section.String("default_model_filename", usual);
        if (!IsPlainName(file))
            section.Error("default_model_filename", $"'{file}' is not a plain file name");
        return file;
    }

    /// <summary>A folder with nothing but a TorchScript file, which tells all but datatypes and how the outputs are called.</summary>
    private static Exception WithoutConfig(TorchArchive? archive, string shownFile)
    {
        if (archive is { Fault.Length: > 0 }) return new InferenceException(InferenceError.NotReady, archive.Fault);
        return new FileNotFoundException(TorchConfig.Suggest(archive, "input") is not { } inputs
            ? "the file is missing: it must at least say max_batch_size, input and output of the TorchScript model"
            : $"the file is missing, and {shownFile} tells no datatypes: it must at least say {{{inputs}, {TorchConfig.Suggest(archive, "output")}}}, " +
              "with each tensor's own data_type");
    }

    private List<TensorConfig> ReadTensors(JsonSection model, string field, int maxBatchSize, string platform, string? suggested)
    {
        var tensors = new List<TensorConfig>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in model.Sections(field))
        {
            var name = section.String("name");
            var dataType = ReadDataType(section);
            var dims = section.Dimensions("dims");
            if (dims is [] && platform == EnsembleReader.Platform)
                section.Error("dims", "is empty: a tensor has at least one dimension; leave the field out to admit any shape");
            if (dims is null && !section.Has("dims") && maxBatchSize > 0)
                section.Error("dims", "is missing: only a model with max_batch_size 0 may leave it out, to admit any shape");
            var labels = field == "output" ? ReadLabels(section, dims) : [];
            var reshape = ReshapeReader.Read(section, dims, platform);
            section.RejectUnknown();
            if (!names.Add(name)) section.Error("name", $"'{name}' is there twice");
            tensors.Add(new(name, dataType, dims, labels) { Reshape = reshape });
        }

        if (tensors.Count == 0) model.Error(field, $"a model needs at least one {field}{(suggested is null ? "" : $": {suggested}, with each tensor's own data_type")}");
        return tensors;
    }

    /// <summary>A vocabulary takes memory, and is that of all versions, whose inputs are the same unless their files tell them.</summary>
    private IReadOnlyList<Preprocessing> ReadPreprocessing(
        JsonSection model, List<TensorConfig> inputs, int maxBatchSize, string platform, ModelConfig? other)
    {
        const string Field = "preprocessing";
        if (other is null || platform == OnnxRuntime.Platform) return PreprocessingReader.Read(model, inputs, maxBatchSize, _folder);
        model.Ignore(Field);
        return other.Preprocessing;
    }

    private string[] ReadLabels(JsonSection section, long[]? dims)
    {
        if (!section.Has("label_filename")) return [];
        var file = section.String("label_filename");
        if (file != Path.GetFileName(file) || !File.Exists(Path.Combine(_folder, file)))
        {
            section.Error("label_filename", $"there is no file '{file}' in the model's folder");
            return [];
        }

        var labels = File.ReadAllLines(Path.Combine(_folder, file));
        if (dims is [> 0 and var count] && count != labels.Length)
            section.Error("label_filename", $"'{file}' has {labels.Length} lines, but the output has {count} elements");
        return labels;
    }

    private static List<InstanceGroup> ReadInstanceGroups(JsonSection model, string platform)
    {
        var groups = new List<InstanceGroup>();
        foreach (var section in model.Sections("instance_group"))
        {
            var count = section.Integer("count", 0, 1, ReplicasReader.Limit);
            var kind = section.OneOf<DeviceKind?>(
                "kind", null, ("KIND_AUTO", null), ("KIND_CPU", DeviceKind.Cpu), ("KIND_GPU", DeviceKind.Cuda));
            var indexes = section.Integers("gpus", 0, int.MaxValue) ?? [];
            if (indexes.Length > 0 && kind == DeviceKind.Cpu) section.Error("gpus", "contradicts kind KIND_CPU");
            if (platform == OnnxRuntime.Platform && (kind == DeviceKind.Cuda || indexes.Length > 0))
                section.Error(indexes.Length > 0 ? "gpus" : "kind", $"asks for a GPU, but {OnnxRuntime.Platform} runs on CPUs alone");
            section.RejectUnknown();
            groups.Add(new(indexes.Length > 0 ? DeviceKind.Cuda : kind, indexes, count));
        }

        return groups;
    }

    /// <summary>What the runtime cannot do, said of the network's own signature.</summary>
    private void CheckNetwork(ModelConfig config)
    {
        var network = ModelSignatures.OfNetwork(config);
        foreach (var tensor in network.Inputs.Concat(network.Outputs))
        {
            if (config.Platform == TorchRuntime.Platform && !TorchTypes.Supports(tensor.DataType))
                _errors.Add($"'{tensor.Name}': {TorchRuntime.Platform} has no tensors of {NameOf(tensor.DataType)}");
        }

        _errors.AddRange(PaddingReader.Check(config, network));
        _errors.AddRange(ReshapeReader.Check(config, network));
        _errors.AddRange(WarmupReader.Check(config, network));
        if (config.Iteration is { } iteration) _errors.AddRange(IterationReader.Check(iteration, network));
        if (network.Inputs.Select(tensor => tensor.Name).Distinct().Count() < network.Inputs.Count)
            _errors.Add("preprocessing: two of the network's inputs have the same name");
    }
}
