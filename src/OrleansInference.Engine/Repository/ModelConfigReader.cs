using System.Text.Json;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Processing;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads and checks a model's <c>config.json</c>, and reports everything that is wrong with it, not the first thing only.</summary>
internal sealed class ModelConfigReader
{
    public const string FileName = "config.json";

    private const int MaxBatchSizeLimit = 65_536;

    private static readonly (string, DataType)[] DataTypeNames =
    [
        .. Enum.GetValues<DataType>().Select(type => (type == DataType.Bytes ? "TYPE_STRING" : $"TYPE_{type.ToProtocolName()}", type)),
    ];

    private readonly string _folder;
    private readonly List<string> _errors = [];

    private ModelConfigReader(string folder) => _folder = folder;

    /// <summary>Reads the configuration in a model's folder.</summary>
    /// <returns>The configuration, or every reason why there is none.</returns>
    public static (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string modelFolder)
    {
        var reader = new ModelConfigReader(modelFolder);
        var file = Path.Combine(modelFolder, FileName);
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(file), new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return (null, ["the file holds no JSON object"]);
            var config = reader.ReadModel(document.RootElement);
            return reader._errors.Count == 0 ? (config, []) : (null, reader._errors);
        }
        catch (FileNotFoundException)
        {
            return (null, ["the file is missing: it must at least say max_batch_size, input and output of the TorchScript model"]);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return (null, [exception.Message]);
        }
    }

    private ModelConfig ReadModel(JsonElement root)
    {
        var section = new JsonSection(root, "", _errors);
        var name = Path.GetFileName(_folder);
        var given = section.String("name", name);
        if (given != name) section.Error("name", $"'{given}' is not the name of the model's folder, '{name}'");

        var platform = section.OneOf(
            "platform", Torch.TorchRuntime.Platform, (Torch.TorchRuntime.Platform, Torch.TorchRuntime.Platform), (EnsembleReader.Platform, EnsembleReader.Platform));
        var maxBatchSize = section.Integer("max_batch_size", 0, 0, MaxBatchSizeLimit);
        var inputs = ReadTensors(section, "input", maxBatchSize);
        var outputs = ReadTensors(section, "output", maxBatchSize);
        var config = new ModelConfig
        {
            Name = name,
            Platform = platform,
            ModelFile = ReadModelFile(section),
            MaxBatchSize = maxBatchSize,
            Inputs = inputs,
            Outputs = outputs,
            VersionPolicy = ReadVersionPolicy(section),
            Batching = BatchingReader.Read(section, maxBatchSize),
            InstanceGroups = ReadInstanceGroups(section),
            Preprocessing = PreprocessingReader.Read(section, inputs, maxBatchSize, _folder),
            Postprocessing = PostprocessingReader.Read(section, outputs),
            Iteration = IterationReader.Read(section),
            Ensemble = EnsembleReader.Read(section, platform, name, maxBatchSize),
            Routing = RoutingReader.Read(section),
            // Without the comments and trailing commas that the file may have, and JSON may not.
            Json = JsonSerializer.Serialize(root),
        };
        section.Ignore("parameters");
        section.RejectUnknown();
        if (_errors.Count > 0) return config;
        CheckNetwork(config);
        return config.Ensemble is { } plan ? config with { Ensemble = EnsembleCheck.Complete(plan, ModelSignatures.OfNetwork(config), _errors) } : config;
    }

    private static string ReadModelFile(JsonSection section)
    {
        var file = section.String("default_model_filename", "model.pt");
        if (file.Length == 0 || file != Path.GetFileName(file) || file is "." or "..")
            section.Error("default_model_filename", $"'{file}' is not a plain file name");
        return file;
    }

    private List<TensorConfig> ReadTensors(JsonSection model, string field, int maxBatchSize)
    {
        var tensors = new List<TensorConfig>();
        foreach (var section in model.Sections(field))
        {
            var name = section.String("name");
            var dataType = section.OneOf("data_type", (DataType?)null, [.. DataTypeNames.Select(pair => (pair.Item1, (DataType?)pair.Item2))]);
            if (!section.Has("data_type")) section.Error("data_type", "is missing");
            var dims = section.Dimensions("dims");
            if (dims is []) section.Error("dims", "is empty: a tensor has at least one dimension; leave the field out to admit any shape");
            if (dims is null && !section.Has("dims") && maxBatchSize > 0)
                section.Error("dims", "is missing: only a model with max_batch_size 0 may leave it out, to admit any shape");
            var labels = field == "output" ? ReadLabels(section, dims) : [];
            section.RejectUnknown();
            if (tensors.Any(other => other.Name == name)) section.Error("name", $"'{name}' is there twice");
            tensors.Add(new(name, dataType ?? DataType.Float32, dims, labels));
        }

        if (tensors.Count == 0) model.Error(field, $"a model needs at least one {field}");
        return tensors;
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

    private static VersionPolicy ReadVersionPolicy(JsonSection model)
    {
        var latest = new VersionPolicy(1, null);
        if (model.Section("version_policy") is not { } section) return latest;
        var kinds = 0;
        if (section.Section("latest") is { } newest)
        {
            kinds++;
            latest = new(newest.Integer("num_versions", 1, 1, int.MaxValue), null);
            newest.RejectUnknown();
        }

        if (section.Section("all") is { } all)
        {
            kinds++;
            latest = new(int.MaxValue, null);
            all.RejectUnknown();
        }

        if (section.Section("specific") is { } specific)
        {
            kinds++;
            latest = new(0, specific.Integers("versions", 1, int.MaxValue) ?? []);
            specific.RejectUnknown();
        }

        section.RejectUnknown();
        if (kinds != 1) model.Error("version_policy", "needs exactly one of latest, all, specific");
        return latest;
    }

    private static List<InstanceGroup> ReadInstanceGroups(JsonSection model)
    {
        var groups = new List<InstanceGroup>();
        foreach (var section in model.Sections("instance_group"))
        {
            if (section.Integer("count", 1, 1, int.MaxValue) > 1)
                section.Error("count", "a device holds one instance of a model; configure more devices instead");
            var kind = section.OneOf<DeviceKind?>(
                "kind", null, ("KIND_AUTO", null), ("KIND_CPU", DeviceKind.Cpu), ("KIND_GPU", DeviceKind.Cuda));
            var indexes = section.Integers("gpus", 0, int.MaxValue) ?? [];
            if (indexes.Length > 0 && kind == DeviceKind.Cpu) section.Error("gpus", "contradicts kind KIND_CPU");
            section.Ignore("name");
            section.RejectUnknown();
            groups.Add(new(indexes.Length > 0 ? DeviceKind.Cuda : kind, indexes));
        }

        return groups;
    }

    /// <summary>What the runtime cannot do, said of the network's own signature.</summary>
    private void CheckNetwork(ModelConfig config)
    {
        var network = ModelSignatures.OfNetwork(config);
        foreach (var tensor in network.Inputs.Concat(network.Outputs))
        {
            if (config.Ensemble is null && !Torch.TorchTypes.Supports(tensor.DataType))
                _errors.Add($"'{tensor.Name}': {Torch.TorchRuntime.Platform} has no tensors of TYPE_{tensor.DataType.ToProtocolName().Replace("BYTES", "STRING", StringComparison.Ordinal)}");
        }

        _errors.AddRange(PaddingReader.Check(config, network));
        if (config.Iteration is { } iteration) _errors.AddRange(IterationReader.Check(iteration, network));
        if (network.Inputs.Select(tensor => tensor.Name).Distinct().Count() < network.Inputs.Count)
            _errors.Add("preprocessing: two of the network's inputs have the same name");
    }
}
