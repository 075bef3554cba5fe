using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Models;

/// <summary>Pure: whether the models of an ensemble take what they are given, and give what is asked of them.</summary>
internal static class EnsembleTensors
{
    /// <param name="ensemble">The ensemble.</param>
    /// <param name="models">The models of its steps, in their order; null where one is not known.</param>
    /// <returns>What is wrong, naming step and tensor.</returns>
    public static IEnumerable<string> FindMistakes(ModelDescriptor ensemble, IReadOnlyList<ModelDescriptor?> models)
    {
        var plan = ensemble.Ensemble!;
        var tensors = plan.Inputs.ToDictionary(input => input.Name);
        foreach (var (step, model) in plan.Steps.Zip(models))
        {
            if (model is null) continue;
            var place = $"'{step.Name}' (model '{step.Model}')";
            if (model.IsDecoupled) yield return $"{place} answers more than once, which no step of an ensemble may";
            foreach (var mistake in CheckInputs(step, model, tensors)) yield return $"{place}: {mistake}";
            foreach (var (output, tensor) in step.MapOutputs(plan))
            {
                if (model.Outputs.FirstOrDefault(other => other.Name == output) is not { } given)
                    yield return $"{place}: the model has no output '{output}'";
                else if (plan.Aggregation is null)
                    tensors[tensor] = given;
                else if (CheckOutput(given, tensor, ensemble, plan.Aggregation) is { } mistake)
                    yield return $"{place}: {mistake}";
            }
        }

        if (plan.Aggregation is { Method: AggregationMethod.Concat } concat)
        {
            foreach (var mistake in CheckLengths(ensemble, concat, models)) yield return mistake;
        }

        if (plan.Aggregation is not null) yield break;
        foreach (var output in ensemble.Outputs.Where(output => plan.Outputs.Contains(output.Name)))
        {
            // A step whose model is not known gives what nobody can tell.
            if (tensors.TryGetValue(output.Name, out var given) && !AreCompatible(given, output))
                yield return $"output '{output.Name}' is {Describe(output)}, but its step gives {Describe(given)}";
        }
    }

    private static IEnumerable<string> CheckInputs(EnsembleStep step, ModelDescriptor model, Dictionary<string, TensorSignature> tensors)
    {
        var inputs = model.AcceptedInputs.ToDictionary(input => input.Name);
        var map = step.MapInputs(model, tensors.ContainsKey);
        foreach (var (input, tensor) in map)
        {
            if (!inputs.TryGetValue(input, out var taken))
                yield return $"the model has no input '{input}'";
            else if (tensors.TryGetValue(tensor, out var given) && !AreCompatible(given, taken))
                yield return $"input '{input}' is {Describe(taken)}, but '{tensor}' is {Describe(given)}";
        }

        foreach (var input in model.Inputs.Select(input => input.Name).Where(name => !map.ContainsKey(name)))
        {
            // What preprocessing would make of it may be sent in its place.
            var instead = model.Preprocessed.FirstOrDefault(preprocessed => preprocessed.Inputs.Contains(input));
            if (instead is null || !instead.Network.All(made => map.ContainsKey(made.Name))) yield return $"nothing is given for input '{input}'";
        }
    }

    /// <summary>Whether what a member gives can become the ensemble's output.</summary>
    private static string? CheckOutput(TensorSignature given, string tensor, ModelDescriptor ensemble, Aggregation aggregation)
    {
        var output = ensemble.Outputs.First(other => other.Name == tensor);
        long[] expected = [.. output.Shape];
        if (!output.AnyRank && aggregation.Axis < expected.Length)
        {
            // What is put together is as long as all members' parts.
            if (aggregation.Method == AggregationMethod.Concat) expected[aggregation.Axis] = -1;
            else if (aggregation.Method == AggregationMethod.Stack) expected = [.. expected[..aggregation.Axis], .. expected[(aggregation.Axis + 1)..]];
        }

        var wanted = output with { Shape = expected };
        return AreCompatible(given, wanted) ? null : $"output '{given.Name}' is {Describe(given)}, but '{tensor}' needs {Describe(wanted)}";
    }

    /// <summary>Whether what is put together is as long as the output, where all lengths are known.</summary>
    private static IEnumerable<string> CheckLengths(ModelDescriptor ensemble, Aggregation concat, IReadOnlyList<ModelDescriptor?> models)
    {
        var plan = ensemble.Ensemble!;
        foreach (var output in ensemble.Outputs.Where(output => plan.Outputs.Contains(output.Name) && !output.AnyRank))
        {
            var lengths = plan.Steps.Zip(models).Select(pair =>
            {
                var name = pair.First.MapOutputs(plan).FirstOrDefault(entry => entry.Value == output.Name).Key;
                var given = pair.Second?.Outputs.FirstOrDefault(other => other.Name == name);
                return given is { AnyRank: false } && concat.Axis < given.Shape.Length ? given.Shape[concat.Axis] : -1;
            }).ToList();
            if (output.Shape[concat.Axis] >= 0 && lengths.All(length => length >= 0) && lengths.Sum() != output.Shape[concat.Axis])
                yield return $"output '{output.Name}' is {Describe(output)}, but its members' parts are {lengths.Sum()} long together";
        }
    }

    private static bool AreCompatible(TensorSignature given, TensorSignature taken) =>
        given.DataType == taken.DataType &&
        (given.AnyRank || taken.AnyRank ||
            (given.Shape.Length == taken.Shape.Length && given.Shape.Zip(taken.Shape).All(pair => pair.First == pair.Second || pair.First < 0 || pair.Second < 0)));

    private static string Describe(TensorSignature tensor) =>
        $"{tensor.DataType.ToProtocolName()}{(tensor.AnyRank ? " of any shape" : TensorShape.Format(tensor.Shape))}";
}
