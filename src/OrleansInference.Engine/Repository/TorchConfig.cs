using System.Text.Json;
using System.Text.Json.Nodes;

using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Repository;

/// <summary>What a TorchScript archive adds to a model's configuration, and where the two contradict each other.</summary>
internal static class TorchConfig
{
    /// <summary>Our own field that says whether the module keeps state from one call for the next.</summary>
    public const string Stateful = "stateful";

    /// <summary>Writes what is left out into the configuration, so that it is read, and shown, as if it had stood there.</summary>
    /// <param name="root">The configuration.</param>
    /// <param name="archive">The version's file; null where it is missing.</param>
    public static JsonElement Complete(JsonElement root, TorchArchive? archive)
    {
        var config = JsonObject.Create(root)!.DeepClone().AsObject();
        if (archive is { KeepsState: true } && config[Stateful] is null) config[Stateful] = true;
        if (config["input"] is null && WarmupInputs.Learn(config, archive?.Forward) is { } inputs) config["input"] = inputs;
        return JsonSerializer.SerializeToElement(config);
    }

    /// <summary>What the configuration must say that the archive does not tell, ready to be written; null where the archive tells nothing.</summary>
    /// <param name="archive">The version's file.</param>
    /// <param name="field"><c>input</c> or <c>output</c>.</param>
    public static string? Suggest(TorchArchive? archive, string field)
    {
        if (archive?.Forward is not { } forward) return null;
        var tensors = field == "input"
            ? forward.Arguments.Where(argument => argument.IsRequired).Select(argument => Show(argument.Name, argument))
            : (forward.ReturnsDict ? KeysOf(archive) : Enumerable.Range(0, forward.OutputCount ?? 1).Select(i => $"OUTPUT__{i}")).Select(name => Show(name, null));
        return $"\"{field}\": [{string.Join(", ", tensors)}]";
    }

    /// <summary>Finds what of the network's declared tensors is not what the archive has.</summary>
    /// <returns>The inputs that are one number each for all rows of a pass.</returns>
    public static IReadOnlyList<string> Check(ModelSignature network, ForwardSchema forward, List<string> errors)
    {
        var arguments = ForwardArguments.Bind(forward, network, errors);
        if (forward.OutputCount is { } count && count != network.Outputs.Count)
            errors.Add($"output: {network.Outputs.Count} are declared, but forward returns {count}: {forward.Returns}");
        return arguments is null
            ? []
            : [.. network.Inputs.Where((_, i) => arguments.Kinds[i] != ArgumentKind.Tensor).Select(input => input.Name)];
    }

    private static IEnumerable<string> KeysOf(TorchArchive archive) => archive.Keys.Count > 0 ? archive.Keys : ["KEY"];

    private static string Show(string name, ForwardArgument? argument)
    {
        var dims = argument?.DataTypes is null ? "" : ", \"dims\": [1]";
        return $$"""{"name": {{JsonSerializer.Serialize(name)}}, "data_type": "{{ModelConfigReader.NameOf(argument?.UsualDataType ?? Tensors.DataType.Float32)}}"{{dims}}}""";
    }
}
