using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads what becomes of the network's outputs: <c>postprocessing</c>.</summary>
internal sealed class PostprocessingReader
{
    private const int MaxDigits = 15;

    private static readonly string[] Names = ["softmax", "round", "label", "argmax", "top_k", "threshold"];

    private readonly List<TensorConfig> _outputs;

    private PostprocessingReader(List<TensorConfig> outputs) => _outputs = outputs;

    public static List<PostprocessingStep> Read(JsonSection model, List<TensorConfig> outputs)
    {
        var reader = new PostprocessingReader(outputs);
        var steps = new List<(JsonSection Section, PostprocessingStep Step)>();
        foreach (var section in model.Sections("postprocessing"))
        {
            if (reader.ReadStep(section) is { } step) steps.Add((section, step));
            section.RejectUnknown();
        }

        CheckOrder(steps);
        return [.. steps.Select(step => step.Step)];
    }

    private PostprocessingStep? ReadStep(JsonSection section)
    {
        var output = section.String("output");
        switch (section.String("step"))
        {
            case "softmax":
                FindNumbers(section, "output");
                return new SoftmaxStep(output);
            case "round":
                FindNumbers(section, "output");
                if (!section.Has("digits")) section.Error("digits", "is missing");
                return new RoundStep(output, section.Integer("digits", 0, 0, MaxDigits));
            case "label":
                return ReadLabel(section, output);
            case "argmax":
                return ReadArgmax(section, output);
            case "top_k":
                return ReadTop(section, output);
            case "threshold":
                if (!section.Has("value")) section.Error("value", "is missing");
                if (FindNumbers(section, "from") is { } from) CheckOutput(section, "output", DataType.Bool, from.Dims);
                return new ThresholdStep(output, section.String("from"), section.Double("value", 0));
            case var other:
                section.Error("step", $"'{other}' is not one of {string.Join(", ", Names)}");
                return null;
        }
    }

    private LabelStep ReadLabel(JsonSection section, string output)
    {
        CheckOutput(section, "output", DataType.Bytes, [1]);
        return new(output, section.String("from"), FindLabels(section));
    }

    private ArgmaxStep ReadArgmax(JsonSection section, string output)
    {
        var keeps = true;
        if (FindRows(section) is { } from)
        {
            long[] less = from.Dims![..^1];
            keeps = less.Length == 0 || Find(output)?.Dims is not { } dims || !dims.SequenceEqual(less);
            CheckOutput(section, "output", DataType.Int64, keeps ? [.. less, 1] : less);
        }

        return new(output, section.String("from"), keeps);
    }

    private TopStep ReadTop(JsonSection section, string output)
    {
        if (!section.Has("k")) section.Error("k", "is missing");
        var count = section.Integer("k", 1, 1, int.MaxValue);
        var scores = section.Has("scores") ? section.String("scores") : null;
        var isLabelled = Find(output)?.DataType != DataType.Int64;
        if (FindRows(section) is { } from)
        {
            if (from.Dims![^1] is > 0 and var elements && count > elements)
                section.Error("k", $"{count} is more than the {elements} elements of '{from.Name}'");
            long[] dims = [.. from.Dims[..^1], count];
            CheckOutput(section, "output", isLabelled ? DataType.Bytes : DataType.Int64, dims);
            if (scores is not null) CheckOutput(section, "scores", from.DataType, dims);
        }

        if (scores == output) section.Error("scores", $"'{scores}' is the output already");
        return new(output, section.String("from"), count, isLabelled ? FindLabels(section) : [], scores);
    }

    /// <summary>An output of floating-point numbers; null where that is a mistake, which is then reported.</summary>
    private TensorConfig? FindNumbers(JsonSection section, string field)
    {
        var name = section.String(field);
        if (Find(name) is not { } tensor)
            section.Error(field, $"the model has no output '{name}'");
        else if (tensor.DataType is not (DataType.Float16 or DataType.Float32 or DataType.Float64))
            section.Error(field, $"'{name}' must be TYPE_FP16, TYPE_FP32 or TYPE_FP64");
        else
            return tensor;
        return null;
    }

    private TensorConfig? FindRows(JsonSection section)
    {
        if (FindNumbers(section, "from") is not { } from) return null;
        if (from.Dims is not (null or [])) return from;
        section.Error("from", $"'{from.Name}' must have dims, the last of which are the elements to choose from");
        return null;
    }

    private IReadOnlyList<string> FindLabels(JsonSection section)
    {
        var from = Find(section.String("from"));
        if (from is { DataType: DataType.Float16 or DataType.Float32 or DataType.Float64, Labels.Count: > 0, Dims: [> 0] }) return from.Labels;
        section.Error("from", $"'{section.String("from")}' must be a floating-point output of one fixed dimension with a label_filename");
        return [];
    }

    private void CheckOutput(JsonSection section, string field, DataType dataType, long[]? dims)
    {
        var name = section.String(field);
        var type = dataType == DataType.Bytes ? "STRING" : dataType.ToProtocolName();
        if (Find(name) is not { } tensor)
            section.Error(field, $"the model has no output '{name}'");
        else if (tensor.DataType != dataType || !(tensor.Dims ?? []).SequenceEqual(dims ?? []))
            section.Error(field, $"'{name}' must be TYPE_{type} with {(dims is null ? "no dims" : $"dims {TensorShape.Format(dims)}")}");
    }

    private TensorConfig? Find(string name) => _outputs.Find(tensor => tensor.Name == name);

    /// <summary>What a step reads must be there by then, and no two may add the same.</summary>
    private static void CheckOrder(List<(JsonSection Section, PostprocessingStep Step)> steps)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            var (section, step) = steps[i];
            if (steps.Skip(i).Any(later => later.Step.Added.Contains(step.From)))
                section.Error(step.From == step.Output ? "output" : "from", $"'{step.From}' is only added by this step or a later one");
            foreach (var name in step.Added.Where(name => steps.Take(i).Any(earlier => earlier.Step.Added.Contains(name))))
                section.Error("output", $"'{name}' is added by an earlier step");
        }
    }
}
