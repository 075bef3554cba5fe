using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>An inference request as the protocol words it: what to infer, and how to write the answer.</summary>
/// <param name="Id">The caller's own name for it.</param>
/// <param name="Inputs">The tensors.</param>
/// <param name="Outputs">The outputs asked for; all where empty.</param>
/// <param name="Parameters">What else it asks for.</param>
internal sealed record InferCall(
    string? Id, IReadOnlyList<InferenceTensor> Inputs, IReadOnlyList<OutputCall> Outputs, RequestParameters Parameters)
{
    /// <param name="model">The model.</param>
    /// <param name="version">The version; null for the highest one that is ready.</param>
    /// <param name="received">When the request came in.</param>
    /// <param name="limit">A deadline beside the request's own; the earlier one counts.</param>
    public InferenceRequest ToRequest(string model, int? version, DateTimeOffset received, DateTimeOffset? limit = null)
    {
        var deadline = received + Parameters.Timeout;
        return new()
        {
            Model = model,
            Version = version,
            Id = Id,
            Inputs = Inputs,
            Outputs = Outputs.Count == 0 ? [] : [.. Outputs.Select(output => output.Name)],
            Priority = Parameters.Priority,
            RoutingKey = Parameters.RoutingKey,
            Deadline = deadline < limit ? deadline : limit ?? deadline,
        };
    }

    /// <summary>Refuses what cannot be written of the model's outputs, whatever they are going to be.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the classes of an output cannot be ranked.</exception>
    public void CheckOutputs(ModelDescriptor model)
    {
        foreach (var asked in Outputs)
        {
            if (asked.Classes > 0 && model.Outputs.FirstOrDefault(output => output.Name == asked.Name) is { } declared)
                Classification.Check(declared.Name, declared.DataType);
        }
    }

    /// <summary>An output, or instead of it the best of its classes where the caller asks for them.</summary>
    public InferenceTensor Classify(InferenceTensor output, ModelDescriptor model)
    {
        if (Outputs.Count == 0 || FormOf(output.Name).Classes is not (> 0 and var classes)) return output;
        var labels = model.Outputs.FirstOrDefault(declared => declared.Name == output.Name)?.Labels ?? [];
        return Classification.Rank(output, classes, labels, model.MaxBatchSize > 0);
    }

    /// <summary>How to write an output.</summary>
    public (bool Binary, int Classes) FormOf(string output)
    {
        foreach (var asked in Outputs)
        {
            if (asked.Name == output) return (asked.Binary ?? Parameters.BinaryOutputs, asked.Classes);
        }

        return (Parameters.BinaryOutputs, 0);
    }
}

/// <param name="Name">The output.</param>
/// <param name="Binary">Whether it is to be binary; null for the request's default.</param>
/// <param name="Classes">How many of its best classes are wanted; 0 for the tensor itself.</param>
internal sealed record OutputCall(string Name, bool? Binary, int Classes);
