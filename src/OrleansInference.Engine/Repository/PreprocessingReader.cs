using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads how inputs become the network's own: <c>preprocessing</c>.</summary>
internal static class PreprocessingReader
{
    public static List<Preprocessing> Read(JsonSection model, List<TensorConfig> inputs, int maxBatchSize)
    {
        var all = new List<Preprocessing>();
        foreach (var section in model.Sections("preprocessing"))
        {
            var input = section.String("input");
            if (inputs.Find(tensor => tensor.Name == input) is not { } source)
                section.Error("input", $"the model has no input '{input}'");
            else if (source.DataType != DataType.Bytes || source.Dims is not [1])
                section.Error("input", $"'{input}' must be TYPE_STRING with dims [1] to hold a picture per row");
            if (maxBatchSize == 0) section.Error("input", "pictures are rows of a batch: max_batch_size must be at least 1");
            if (all.Any(other => other.Inputs.Contains(input))) section.Error("input", $"'{input}' is preprocessed twice");
            all.Add(ImageStepsReader.Read(section, input, section.String("output")));
            section.RejectUnknown();
        }

        return all;
    }
}
