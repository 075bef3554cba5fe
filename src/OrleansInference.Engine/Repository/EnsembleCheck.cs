using System.Globalization;

using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// Pure: what an ensemble's own file tells of its tensors. Whether the models behind it take and give them is not known before they are.
/// </summary>
internal static class EnsembleCheck
{
    /// <param name="plan">What the file says.</param>
    /// <param name="network">What the ensemble's models take and give: its inputs when they are preprocessed, its outputs before they are postprocessed.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <returns>The plan with its inputs and outputs, and its steps in an order in which they can run.</returns>
    public static EnsemblePlan Complete(EnsemblePlan plan, ModelSignature network, List<string> errors)
    {
        var outputs = network.Outputs.Select(output => output.Name).ToList();
        plan = plan with { Inputs = network.Inputs, Outputs = outputs };
        if (plan.Aggregation is null) return plan with { Steps = Order(plan.Steps, network, errors) };
        CheckMembers(plan, plan.Aggregation, network, errors);
        return plan;
    }

    private static void CheckMembers(EnsemblePlan plan, Aggregation aggregation, ModelSignature network, List<string> errors)
    {
        foreach (var output in network.Outputs)
        {
            if (!aggregation.Method.Supports(output.DataType))
                errors.Add($"ensemble.aggregate: {aggregation.Method} is not possible for output '{output.Name}' of {output.DataType.ToProtocolName()}");
            if (CheckAxis(plan.Steps.Count, aggregation, output, network.MaxBatchSize > 0 ? 1 : 0) is { } mistake) errors.Add(mistake);
        }

        for (var i = 0; i < plan.Steps.Count; i++)
        {
            var step = plan.Steps[i];
            var path = string.Create(CultureInfo.InvariantCulture, $"ensemble.members[{i}]");
            foreach (var (input, tensor) in step.InputMap ?? new Dictionary<string, string>())
            {
                if (!network.Inputs.Any(other => other.Name == tensor))
                    errors.Add($"{path}.input_map.{input}: '{tensor}' is none of the ensemble's inputs {List(network.Inputs.Select(other => other.Name))}");
            }

            if (step.OutputMap is not { } map) continue;
            foreach (var twice in map.Values.CountBy(tensor => tensor).Where(count => count.Value > 1))
                errors.Add($"{path}.output_map: '{twice.Key}' is given twice");
            foreach (var output in plan.Outputs.Except(map.Values)) errors.Add($"{path}.output_map: gives no '{output}', which is an output of the ensemble");
            foreach (var (output, tensor) in map)
            {
                if (!plan.Outputs.Contains(tensor)) errors.Add($"{path}.output_map.{output}: '{tensor}' is none of the ensemble's outputs {List(plan.Outputs)}");
            }
        }
    }

    /// <summary>Whether an output can be as long as what is put together in it.</summary>
    private static string? CheckAxis(int members, Aggregation aggregation, TensorSignature output, int batch)
    {
        if (aggregation.Method is not (AggregationMethod.Concat or AggregationMethod.Stack) || output.AnyRank) return null;
        var (axis, shape) = (aggregation.Axis, TensorShape.Format(output.Shape.AsSpan()[batch..]));
        if (axis >= output.Shape.Length)
            return string.Create(CultureInfo.InvariantCulture, $"ensemble.axis: {axis - batch} is no dimension of output '{output.Name}', whose dims are {shape}");
        var length = output.Shape[axis];
        if (length < 0) return null;
        if (aggregation.Required < members)
            return string.Create(CultureInfo.InvariantCulture, $"output '{output.Name}': dims {shape} must have -1 at {axis - batch}, since members may be missing there");
        return aggregation.Method == AggregationMethod.Stack && length != members
            ? string.Create(CultureInfo.InvariantCulture, $"output '{output.Name}': dims {shape} have {length} at {axis - batch}, where {members} members are stacked")
            : null;
    }

    /// <summary>The steps, each behind those whose outputs it takes.</summary>
    private static IReadOnlyList<EnsembleStep> Order(IReadOnlyList<EnsembleStep> steps, ModelSignature network, List<string> errors)
    {
        const string Section = "ensemble_scheduling";
        var givers = new Dictionary<string, EnsembleStep?>();
        foreach (var input in network.Inputs) givers[input.Name] = null;
        for (var i = 0; i < steps.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{Section}.step[{i}]");
            if (steps[i].InputMap is null or { Count: 0 }) errors.Add($"{path}.input_map: is missing: it says which tensors the model takes");
            if (steps[i].OutputMap is null or { Count: 0 }) errors.Add($"{path}.output_map: is missing: it says which tensors the model gives");
            foreach (var (output, tensor) in steps[i].OutputMap ?? new Dictionary<string, string>())
            {
                if (!givers.TryGetValue(tensor, out var other)) givers[tensor] = steps[i];
                else errors.Add($"{path}.output_map.{output}: '{tensor}' is {(other is null ? "an input of the ensemble" : $"given by '{other.Name}'")} already");
            }
        }

        for (var i = 0; i < steps.Count; i++)
        {
            foreach (var (input, tensor) in steps[i].InputMap ?? new Dictionary<string, string>())
            {
                if (!givers.ContainsKey(tensor))
                    errors.Add(string.Create(CultureInfo.InvariantCulture, $"{Section}.step[{i}].input_map.{input}: '{tensor}' is neither an input of the ensemble nor given by a step"));
            }
        }

        foreach (var output in network.Outputs)
        {
            if (givers.GetValueOrDefault(output.Name) is null) errors.Add($"{Section}: output '{output.Name}' is given by no step");
        }

        var taken = steps.SelectMany(step => step.InputMap?.Values ?? []).ToHashSet();
        foreach (var input in network.Inputs)
        {
            if (!taken.Contains(input.Name)) errors.Add($"{Section}: input '{input.Name}' is taken by no step");
        }

        return errors.Count > 0 ? steps : Sort(steps, givers, errors);
    }

    private static List<EnsembleStep> Sort(IReadOnlyList<EnsembleStep> steps, Dictionary<string, EnsembleStep?> givers, List<string> errors)
    {
        var sorted = new List<EnsembleStep>();
        var path = new List<EnsembleStep>();
        foreach (var step in steps) Visit(step);
        return sorted;

        void Visit(EnsembleStep step)
        {
            if (errors.Count > 0 || sorted.Contains(step)) return;
            var before = path.IndexOf(step);
            if (before >= 0)
            {
                // Found from its end: each takes what the next one on the path gives.
                var cycle = path.Skip(before).Append(step).Reverse().Select(member => $"'{member.Name}'");
                errors.Add($"ensemble_scheduling: the steps wait for each other: {string.Join(" -> ", cycle)}");
                return;
            }

            path.Add(step);
            foreach (var giver in step.InputMap!.Values.Select(tensor => givers[tensor]).OfType<EnsembleStep>()) Visit(giver);
            path.RemoveAt(path.Count - 1);
            sorted.Add(step);
        }
    }

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"'{name}'"));
}
