using System.Globalization;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// Which input of the network is which argument of <c>forward</c>: by name where all are names of arguments, else by Triton's convention
/// <c>NAME__0</c>, <c>NAME__1</c> where all follow it, else in the order of the configuration.
/// </summary>
/// <param name="Positions">For each input the position of its argument.</param>
/// <param name="Kinds">For each input what its argument is.</param>
/// <param name="Defaults">What is passed to each argument that no input is for, up to the last that must be passed.</param>
internal sealed record ForwardArguments(int[] Positions, ArgumentKind[] Kinds, object?[] Defaults)
{
    private const int None = -1;

    /// <summary>For an archive of which only is known how many arguments its <c>forward</c> has: all of them are tensors.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the numbers of inputs differ.</exception>
    public static ForwardArguments Guess(int count, ModelSignature network)
    {
        var inputs = network.Inputs;
        if (count != inputs.Count)
            throw new InferenceException(InferenceError.NotReady, $"forward takes {count} inputs, but the configuration declares {inputs.Count}");
        return new(ByIndex(inputs, count) ?? InOrder(inputs), new ArgumentKind[count], new object?[count]);
    }

    /// <param name="forward">What the archive declares.</param>
    /// <param name="network">What the configuration declares.</param>
    /// <param name="errors">Takes what does not go together.</param>
    /// <returns>Null where there are errors.</returns>
    public static ForwardArguments? Bind(ForwardSchema forward, ModelSignature network, List<string> errors)
    {
        var before = errors.Count;
        var positions = Locate(forward, network.Inputs, errors);
        if (positions is null) return null;
        var arguments = forward.Arguments;
        for (var i = 0; i < positions.Length; i++)
        {
            if (Check(network.Inputs[i], arguments[positions[i]], network.MaxBatchSize > 0 ? 1 : 0) is { } mistake) errors.Add(mistake);
        }

        var last = None;
        for (var i = 0; i < arguments.Count; i++)
        {
            var isDeclared = positions.Contains(i);
            // An optional argument without a default must be passed, as None.
            if (isDeclared || arguments[i].Default is null) last = i;
            if (!isDeclared && arguments[i].IsRequired)
                errors.Add($"input: forward needs '{arguments[i].Name}' of {arguments[i].Type}, which is not declared: it takes {forward.Takes}");
        }

        var defaults = new object?[last + 1];
        for (var i = 0; i < defaults.Length; i++)
        {
            if (positions.Contains(i) || arguments[i].TryGetDefault(out defaults[i])) continue;
            errors.Add($"input: forward's '{arguments[i].Name}' with its default {arguments[i].Default} cannot stand before what is declared: it takes {forward.Takes}");
        }

        return errors.Count > before ? null : new(positions, [.. positions.Select(position => arguments[position].Kind!.Value)], defaults);
    }

    private static int[]? Locate(ForwardSchema forward, IReadOnlyList<TensorSignature> inputs, List<string> errors)
    {
        var byName = inputs.Select(input => IndexOf(forward.Arguments, input.Name)).ToArray();
        if (!byName.Contains(None)) return byName;
        if (ByIndex(inputs, forward.Arguments.Count) is { } byIndex) return byIndex;
        if (byName.Any(position => position != None))
        {
            foreach (var input in inputs.Where((_, i) => byName[i] == None))
                errors.Add($"input '{input.Name}': is none of the arguments of forward, though others are: it takes {forward.Takes}");
            return null;
        }

        var required = forward.Arguments.Count(argument => argument.IsRequired);
        if (inputs.Count >= required && inputs.Count <= forward.Arguments.Count) return InOrder(inputs);
        var takes = required == forward.Arguments.Count ? $"{required}" : $"{required} to {forward.Arguments.Count}";
        errors.Add($"input: {inputs.Count} are declared, but forward takes {takes}: {forward.Takes}");
        return null;
    }

    private static string? Check(TensorSignature input, ForwardArgument argument, int batch)
    {
        if (argument.Kind is null)
            return $"input '{input.Name}': forward's argument '{argument.Name}' is of {argument.Type}, which no input can be";
        if (argument.DataTypes is not { } types) return null;
        if (!types.Contains(input.DataType))
        {
            return $"input '{input.Name}': declared as {input.DataType.ToProtocolName()}, but forward's argument '{argument.Name}' of {argument.Type} " +
                $"is made of {string.Join(", ", types.Select(type => type.ToProtocolName()))}";
        }

        var dims = input.Shape.AsSpan()[batch..];
        return !input.AnyRank && (dims.Length > 1 || dims is [> 1])
            ? $"input '{input.Name}': dims {TensorShape.Format(dims)} are not those of forward's argument '{argument.Name}' of {argument.Type}, which is one number: [] or [1]"
            : null;
    }

    private static int[] InOrder(IReadOnlyList<TensorSignature> inputs) => [.. Enumerable.Range(0, inputs.Count)];

    /// <summary>The positions in the inputs' names; null where not all have different ones within reach.</summary>
    private static int[]? ByIndex(IReadOnlyList<TensorSignature> inputs, int count)
    {
        var positions = inputs.Select(input => IndexIn(input.Name)).ToArray();
        return positions.All(position => position >= 0 && position < count) && positions.Distinct().Count() == positions.Length ? positions : null;
    }

    private static int IndexIn(string name)
    {
        var separator = name.LastIndexOf("__", StringComparison.Ordinal);
        return separator > 0 && int.TryParse(name.AsSpan(separator + 2), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : None;
    }

    private static int IndexOf(IReadOnlyList<ForwardArgument> arguments, string name)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i].Name == name) return i;
        }

        return None;
    }
}
