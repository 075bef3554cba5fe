using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads how a model answers more than once: <c>model_transaction_policy</c> and <c>iteration</c>.</summary>
internal static class IterationReader
{
    private const int DefaultMaxSteps = 1024;

    public static Iteration? Read(JsonSection model)
    {
        var decoupled = false;
        if (model.Section("model_transaction_policy") is { } policy)
        {
            decoupled = policy.Boolean("decoupled", false);
            policy.RejectUnknown();
        }

        if (model.Section("iteration") is not { } section)
        {
            if (decoupled) model.Error("iteration", "is missing: it says how a model with model_transaction_policy.decoupled answers more than once");
            return null;
        }

        if (!decoupled) model.Error("iteration", "needs model_transaction_policy.decoupled to be true, by which clients know that the model answers more than once");
        var feedBack = new Dictionary<string, string>();
        foreach (var pair in section.Sections("feed_back"))
        {
            var (output, input) = (pair.String("output"), pair.String("input"));
            if (feedBack.ContainsValue(input) || !feedBack.TryAdd(output, input)) pair.Error("input", $"'{output}' or '{input}' is fed back twice");
            pair.RejectUnknown();
        }

        if (feedBack.Count == 0) section.Error("feed_back", "names no output: every pass would be the same");
        var stop = section.Has("stop") ? section.String("stop") : null;
        var iteration = new Iteration(feedBack, stop, section.Integer("max_steps", DefaultMaxSteps, 1, int.MaxValue));
        section.RejectUnknown();
        return iteration;
    }

    /// <summary>What is wrong between the iteration and the network that it runs.</summary>
    public static IEnumerable<string> Check(Iteration iteration, ModelSignature network)
    {
        foreach (var (output, input) in iteration.FeedBack)
        {
            var from = network.Outputs.FirstOrDefault(tensor => tensor.Name == output);
            var to = network.Inputs.FirstOrDefault(tensor => tensor.Name == input);
            if (from is null) yield return $"iteration.feed_back: the network has no output '{output}'";
            if (to is null) yield return $"iteration.feed_back: the network has no input '{input}'";
            if (from is not null && to is not null && from.DataType != to.DataType)
                yield return $"iteration.feed_back: '{output}' is {from.DataType.ToProtocolName()}, but '{input}' is {to.DataType.ToProtocolName()}";
        }

        if (iteration.Stop is { } stop && network.Outputs.FirstOrDefault(tensor => tensor.Name == stop) is not { DataType: DataType.Bool })
            yield return $"iteration.stop: '{stop}' is no output of TYPE_BOOL of the network";
    }
}
