using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Pure: which of an ensemble's tensors a step takes and gives, under which of its model's names.</summary>
internal static class StepTensors
{
    /// <param name="step">The step.</param>
    /// <param name="plan">Its ensemble.</param>
    /// <param name="model">Its model.</param>
    /// <param name="tensors">The ensemble's tensors that are there, by name.</param>
    /// <returns>The model's inputs, and from its outputs to the ensemble's tensors.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the model cannot answer.</exception>
    public static (InferenceTensor[] Inputs, IReadOnlyDictionary<string, string> Outputs) Map(
        EnsembleStep step, EnsemblePlan plan, ModelEntry model, IReadOnlyDictionary<string, InferenceTensor> tensors)
    {
        var descriptor = model.GetReadyDescriptor();
        var inputs = step.InputMap is { } map
            ? map.Select(pair => tensors[pair.Value].Rename(pair.Key))
            : descriptor.InputNames.Where(tensors.ContainsKey).Select(name => tensors[name]);
        return ([.. inputs], step.OutputMap ?? SameNames(descriptor.Outputs, plan.Outputs));
    }

    private static Dictionary<string, string> SameNames(IReadOnlyList<TensorSignature> outputs, IReadOnlyList<string> names) =>
        outputs.Select(output => output.Name).Intersect(names).ToDictionary(name => name);
}
