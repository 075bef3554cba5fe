using System.Globalization;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads what is run before a model is ready: <c>model_warmup</c>.</summary>
internal static class WarmupReader
{
    public const string Field = "model_warmup";

    /// <summary>Where the files of samples lie in a model's folder.</summary>
    public const string Folder = "warmup";

    /// <summary>How often a sample is run that does not say so: TorchScript observes its first pass and compiles in its second.</summary>
    public const int DefaultCount = 3;

    private const int MaxSamples = 64;
    private const int MaxCount = 1000;
    private const long MaxSampleBytes = 256 << 20;

    public static List<WarmupSample> Read(JsonSection model, int maxBatchSize, string modelFolder)
    {
        var samples = new List<WarmupSample>();
        var sections = model.Sections(Field);
        if (sections.Count > MaxSamples)
        {
            model.Error(Field, $"{sections.Count} samples are over the limit of {MaxSamples}");
            return samples;
        }

        foreach (var section in sections)
        {
            var batchSize = section.Integer("batch_size", 1, 1, Math.Max(1, maxBatchSize));
            var count = section.Integer("count", DefaultCount, 0, MaxCount);
            var sample = new WarmupSample(
                section.String("name", string.Create(CultureInfo.InvariantCulture, $"{Field}[{samples.Count}]")),
                batchSize,
                count == 0 ? DefaultCount : count,
                [.. section.Map("inputs").Select(input => ReadInput(input.Key, input.Section, modelFolder, batchSize))]);
            if (sample.Inputs.Count == 0) section.Error("inputs", "is missing: it says what is sent to the network");
            var size = SizeOf(sample);
            if (size is null || size > MaxSampleBytes)
            {
                var shown = size is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes") : "more bytes than can be counted";
                section.Error("inputs", $"{shown} in {batchSize} rows are over the limit of {MaxSampleBytes}");
            }

            section.RejectUnknown();
            samples.Add(sample);
        }

        return samples;
    }

    /// <summary>What is wrong between the samples and the network that they are for.</summary>
    public static IEnumerable<string> Check(ModelConfig config, ModelSignature network)
    {
        for (var i = 0; i < config.Warmup.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{Field}[{i}].inputs");
            var given = config.Warmup[i].Inputs;
            foreach (var missing in network.Inputs.Where(input => !given.Any(other => other.Name == input.Name)))
                yield return $"{path}: gives no '{missing.Name}', which is an input of the network";
            foreach (var input in given)
            {
                if (network.Inputs.FirstOrDefault(other => other.Name == input.Name) is not { } expected)
                {
                    yield return $"{path}.{input.Name}: the network has no such input";
                    continue;
                }

                if (input.DataType != expected.DataType)
                    yield return $"{path}.{input.Name}.data_type: {ModelConfigReader.NameOf(input.DataType)} is not the {ModelConfigReader.NameOf(expected.DataType)} of the input";
                var dims = expected.Shape.AsSpan()[(network.MaxBatchSize > 0 ? 1 : 0)..];
                if (!expected.AnyRank && !TensorShape.Matches(dims, input.Dims))
                    yield return $"{path}.{input.Name}.dims: {TensorShape.Format(input.Dims)} do not fit {TensorShape.Format(dims)}, those of the input";
            }
        }
    }

    private static WarmupInput ReadInput(string name, JsonSection section, string modelFolder, int rows)
    {
        var type = ModelConfigReader.ReadDataType(section);
        long[] dims = [.. (section.Integers("dims", 1, int.MaxValue) ?? []).Select(dimension => (long)dimension)];
        var (zeros, random) = (section.Boolean("zero_data", false), section.Boolean("random_data", false));
        var file = section.Has("input_data_file") ? section.String("input_data_file") : null;
        if ((zeros ? 1 : 0) + (random ? 1 : 0) + (file is null ? 0 : 1) != 1)
            section.Error("zero_data", "exactly one of zero_data, random_data and input_data_file says what the input consists of");
        if (random && type == DataType.Bytes) section.Error("random_data", "is not possible for TYPE_STRING");
        var input = new WarmupInput(name, type, dims, random, file);
        if (file is not null && CheckFile(input, file, Path.Combine(modelFolder, Folder), rows) is { } mistake) section.Error("input_data_file", mistake);
        section.RejectUnknown();
        return input;
    }

    private static string? CheckFile(WarmupInput input, string file, string folder, int rows)
    {
        if (!ModelConfigReader.IsPlainName(file)) return $"'{file}' is not a plain file name";
        var info = new FileInfo(Path.Combine(folder, file));
        if (!info.Exists) return $"there is no file '{file}' in the folder '{Folder}' of the model";
        if (info.LinkTarget is not null) return $"'{file}' is a link, and may lead out of the folder '{Folder}'";
        if (SizeOf(input) is { } size && input.DataType != DataType.Bytes && info.Length != size)
            return $"'{file}' has {info.Length} bytes, but {TensorShape.Format(input.Dims)} of {ModelConfigReader.NameOf(input.DataType)} has {size}";
        return info.Length > MaxSampleBytes / rows ? $"'{file}' has {info.Length} bytes for each of {rows} rows, over the limit of {MaxSampleBytes}" : null;
    }

    /// <summary>The bytes of all rows; null where they cannot be counted.</summary>
    private static Int128? SizeOf(WarmupSample sample)
    {
        Int128 size = 0;
        foreach (var input in sample.Inputs)
        {
            if (SizeOf(input) is not { } bytes) return null;
            size += (Int128)bytes * sample.BatchSize;
        }

        return size;
    }

    /// <summary>The bytes of a row; of strings those of empty ones.</summary>
    private static long? SizeOf(WarmupInput input)
    {
        var size = input.DataType == DataType.Bytes ? BytesElements.PrefixSize : input.DataType.ElementSize();
        return TensorShape.TryGetElementCount(input.Dims, out var count) && count <= long.MaxValue / size ? count * size : null;
    }
}
