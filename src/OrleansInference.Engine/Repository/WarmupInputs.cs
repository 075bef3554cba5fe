using System.Text.Json.Nodes;

using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// What the samples of <c>model_warmup</c> tell of a network's inputs where the configuration does not: datatypes, and dimensions, which are open
/// where samples differ. Whether they are sound is the <see cref="WarmupReader"/>'s to say.
/// </summary>
internal static class WarmupInputs
{
    /// <returns>The field <c>input</c>; null where there are no samples to learn from.</returns>
    public static JsonArray? Learn(JsonObject config, ForwardSchema? forward)
    {
        if (config[WarmupReader.Field] is not JsonArray samples) return null;
        var inputs = samples.OfType<JsonObject>().Select(sample => sample["inputs"]).OfType<JsonObject>().SelectMany(sample => sample)
            .Where(input => input.Value is JsonObject { } entry && entry["data_type"] is JsonValue && entry["dims"] is JsonArray)
            .GroupBy(input => input.Key, input => input.Value!.AsObject())
            .OrderBy(input => PlaceOf(input.Key, forward))
            .Select(input => (JsonNode)Write(input.Key, [.. input]))
            .ToArray();
        return inputs.Length > 0 ? new JsonArray(inputs) : null;
    }

    private static JsonObject Write(string name, List<JsonObject> samples)
    {
        var all = samples.ConvertAll(sample => sample["dims"]!.AsArray());
        var entry = new JsonObject { ["name"] = name, ["data_type"] = samples[0]["data_type"]!.DeepClone() };
        // Samples of several ranks: a tensor of any shape, as where there is no such field.
        if (all.TrueForAll(dims => dims.Count == all[0].Count))
            entry["dims"] = new JsonArray([.. Enumerable.Range(0, all[0].Count).Select(axis => Merge(all.ConvertAll(dims => dims[axis])))]);
        return entry;
    }

    private static JsonNode? Merge(List<JsonNode?> dimensions) =>
        dimensions.TrueForAll(dimension => JsonNode.DeepEquals(dimension, dimensions[0])) ? dimensions[0]?.DeepClone() : JsonValue.Create(-1);

    private static int PlaceOf(string name, ForwardSchema? forward) =>
        forward?.Arguments.TakeWhile(argument => argument.Name != name).Count() ?? 0;
}
