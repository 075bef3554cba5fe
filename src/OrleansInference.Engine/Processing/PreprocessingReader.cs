using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads how inputs become the network's own: <c>preprocessing</c>.</summary>
internal static class PreprocessingReader
{
    public static List<Preprocessing> Read(JsonSection model, List<TensorConfig> inputs, int maxBatchSize, string folder)
    {
        var all = new List<Preprocessing>();
        foreach (var section in model.Sections("preprocessing"))
        {
            Preprocessing entry =
                section.Has("columns") ? ColumnsReader.Read(section, inputs)
                : section.Has("tokenizer") ? TextReader.Read(section, ReadInput(section, inputs, "text"), folder)
                : ImageStepsReader.Read(section, ReadInput(section, inputs, "picture"), section.String("output"));
            foreach (var input in entry.Inputs.Where(input => all.Any(other => other.Inputs.Contains(input))))
                section.Error("input", $"'{input}' is preprocessed twice");
            section.RejectUnknown();
            all.Add(entry);
        }

        if (all.Count > 0 && maxBatchSize == 0) model.Error("preprocessing", "makes rows of a batch: max_batch_size must be at least 1");
        return all;
    }

    private static string ReadInput(JsonSection section, List<TensorConfig> inputs, string kind)
    {
        var input = section.String("input");
        if (inputs.Find(tensor => tensor.Name == input) is not { } source)
            section.Error("input", $"the model has no input '{input}'");
        else if (source.DataType != DataType.Bytes || source.Dims is not [1])
            section.Error("input", $"'{input}' must be TYPE_STRING with dims [1] to hold a {kind} per row");
        return input;
    }
}
