using System.Collections.Frozen;
using System.Globalization;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads how inputs become columns of one tensor.</summary>
internal static class ColumnsReader
{
    private const int MaxWidth = 65_536;

    public static TabularPreprocessing Read(JsonSection preprocessing, List<TensorConfig> inputs)
    {
        var columns = new List<Column>();
        foreach (var section in preprocessing.Sections("columns"))
        {
            var input = section.String("input");
            var source = inputs.Find(tensor => tensor.Name == input);
            if (source is null) section.Error("input", $"the model has no input '{input}'");
            else if (source.Dims is not [1]) section.Error("input", $"'{input}' must have dims [1] to be a column");
            if (columns.Any(other => other.Input == input)) section.Error("input", $"'{input}' is a column already");
            columns.Add(section.Has("one_hot") ? ReadOneHot(section, input, source) : ReadNumber(section, input, source));
            section.RejectUnknown();
        }

        var tabular = new TabularPreprocessing(preprocessing.String("output"), columns);
        if (columns.Count == 0) preprocessing.Error("columns", "names no input");
        if (tabular.Width > MaxWidth) preprocessing.Error("columns", $"take {tabular.Width} places, the limit is {MaxWidth}");
        return tabular;
    }

    private static NumberColumn ReadNumber(JsonSection section, string input, TensorConfig? source)
    {
        if (source is { DataType: DataType.Bytes }) section.Error("input", $"'{input}' is TYPE_STRING, which only one_hot makes numbers of");
        if (section.Section("standardize") is not { } standardize) return new(input, Mean: 0, Deviation: 1);
        foreach (var field in (string[])["mean", "std"])
        {
            if (!standardize.Has(field)) standardize.Error(field, "is missing");
        }

        var (mean, deviation) = (standardize.Double("mean", 0), standardize.Double("std", 1));
        if (deviation <= 0) standardize.Error("std", string.Create(CultureInfo.InvariantCulture, $"{deviation} is not above 0"));
        standardize.RejectUnknown();
        return new(input, mean, deviation);
    }

    private static OneHotColumn ReadOneHot(JsonSection section, string input, TensorConfig? source)
    {
        if (section.Has("standardize")) section.Error("standardize", "contradicts one_hot");
        var isInteger = source is { DataType: >= DataType.UInt8 and <= DataType.Int64 };
        if (source is not null && !isInteger && source.DataType != DataType.Bytes)
            section.Error("one_hot", $"needs TYPE_STRING or an integer type, but '{input}' is TYPE_{source.DataType.ToProtocolName()}");
        var places = new Dictionary<string, int>();
        foreach (var value in section.Values("one_hot", isInteger))
        {
            if (!places.TryAdd(value, places.Count)) section.Error("one_hot", $"'{value}' is there twice");
            if (isInteger && !IsPossible(source!.DataType, value))
                section.Error("one_hot", $"{value} is no value of TYPE_{source.DataType.ToProtocolName()}, of which '{input}' is");
        }

        if (places.Count == 0) section.Error("one_hot", "names no value");
        return new(input, places.ToFrozenDictionary(), section.OneOf("unknown", false, ("error", false), ("zeros", true)));
    }

    /// <summary>Every value that is read fits in 64 bits with a sign.</summary>
    private static bool IsPossible(DataType type, string value) =>
        type == DataType.Int64 || PaddingValue.TryGetBits(type, long.Parse(value, CultureInfo.InvariantCulture), out _);
}
