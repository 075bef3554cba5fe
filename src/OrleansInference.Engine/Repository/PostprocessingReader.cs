using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads what becomes of the network's outputs: <c>postprocessing</c>.</summary>
internal static class PostprocessingReader
{
    public static List<PostprocessingStep> Read(JsonSection model, List<TensorConfig> outputs)
    {
        var steps = new List<PostprocessingStep>();
        foreach (var section in model.Sections("postprocessing"))
        {
            var output = section.String("output");
            var target = outputs.Find(tensor => tensor.Name == output);
            if (target is null) section.Error("output", $"the model has no output '{output}'");
            switch (section.String("step"))
            {
                case "softmax":
                    if (target is not null && target.DataType != DataType.Float32) section.Error("output", $"'{output}' must be TYPE_FP32 for softmax");
                    steps.Add(new SoftmaxStep(output));
                    break;
                case "label":
                    if (target is not null && (target.DataType != DataType.Bytes || target.Dims is not [1]))
                        section.Error("output", $"'{output}' must be TYPE_STRING with dims [1] to hold a label per row");
                    var from = section.String("from");
                    var source = outputs.Find(tensor => tensor.Name == from);
                    if (source is not { DataType: DataType.Float32, Labels.Count: > 0, Dims: [> 0] })
                        section.Error("from", $"'{from}' must be a TYPE_FP32 output of one fixed dimension with a label_filename");
                    steps.Add(new LabelStep(output, from, source?.Labels ?? []));
                    break;
                case var other:
                    section.Error("step", $"'{other}' is not one of softmax, label");
                    break;
            }

            section.RejectUnknown();
        }

        return steps;
    }
}
