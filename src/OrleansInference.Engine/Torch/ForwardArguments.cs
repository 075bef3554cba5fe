using System.Globalization;


using TorchSharp;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// Which configured input is which argument of <c>forward</c>: by Triton's convention <c>NAME__0</c>, <c>NAME__1</c> where all names
/// follow it, else in the order of the configuration.
/// </summary>
internal static class ForwardArguments
{
    /// <returns>For each configured input the position of its argument.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: the numbers of inputs differ.</exception>
    public static int[] Order(torch.jit.ScriptModule module, ModelSignature network)
    {
        var inputs = network.Inputs;
        var arguments = module.GetNumberOfInputs();
        if (arguments != inputs.Count)
        {
            throw new InferenceException(
                InferenceError.NotReady, $"forward takes {arguments} inputs, but the configuration declares {inputs.Count}");
        }

        var byIndex = inputs.Select(input => IndexIn(input.Name)).ToArray();
        return byIndex.Order().SequenceEqual(Enumerable.Range(0, inputs.Count)) ? byIndex : [.. Enumerable.Range(0, inputs.Count)];
    }

    private static int IndexIn(string name)
    {
        var separator = name.LastIndexOf("__", StringComparison.Ordinal);
        return separator > 0 && int.TryParse(name.AsSpan(separator + 2), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : -1;
    }
}
