using System.Globalization;

using OrleansInference.Ensembles;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// Reads of which models an ensemble consists: <c>ensemble_scheduling</c>, Triton's pipeline of steps, or <c>ensemble</c>, members whose
/// answers become one. What follows from the model's own inputs and outputs is the <see cref="EnsembleCheck"/>'s.
/// </summary>
internal static class EnsembleReader
{
    public const string Platform = "ensemble";

    /// <summary>A request has a call for each of them under way.</summary>
    private const int MaxSteps = 64;

    private const int MaxAxis = 31;

    /// <summary>What stands behind a member's name in the parameters of an answer.</summary>
    private static readonly string[] Reserved = [".milliseconds", ".reason"];

    private static readonly int MaxDeadline = (int)TimeSpan.FromHours(1).TotalMilliseconds;

    public static EnsemblePlan? Read(JsonSection model, string platform, string name, int maxBatchSize)
    {
        var (members, pipeline) = (model.Section("ensemble"), model.Section("ensemble_scheduling"));
        if (platform != Platform)
        {
            foreach (var field in new[] { "ensemble", "ensemble_scheduling" })
            {
                if (model.Has(field)) model.Error(field, $"needs platform to be '{Platform}', but it is '{platform}'");
            }

            return null;
        }

        foreach (var field in new[] { "dynamic_batching", "instance_group", "model_transaction_policy", "iteration", "default_model_filename", "model_warmup", "stateful", "replicas", "autoscaling", "min_instances" })
        {
            if (model.Has(field)) model.Error(field, $"contradicts platform '{Platform}': an ensemble has no network of its own, its models have");
        }

        switch (members, pipeline)
        {
            case ({ } section, null):
                return ReadMembers(section, name, maxBatchSize);
            case (null, { } section):
                return ReadPipeline(section, name);
            default:
                model.Error("ensemble", "an ensemble needs exactly one of ensemble and ensemble_scheduling");
                return null;
        }
    }

    private static EnsemblePlan ReadPipeline(JsonSection section, string name)
    {
        var steps = ReadSteps(section, "step", name, areWeighted: false);
        var plan = new EnsemblePlan { Steps = steps, Outputs = [], MaxInFlightRequests = section.Integer("max_inflight_requests", 0, 0, int.MaxValue) };
        section.RejectUnknown();
        return plan;
    }

    private static EnsemblePlan ReadMembers(JsonSection section, string name, int maxBatchSize)
    {
        if (!section.Has("aggregate")) section.Error("aggregate", "is missing: it says how the members' answers become one");
        var method = section.OneOf(
            "aggregate",
            AggregationMethod.Mean,
            ("mean", AggregationMethod.Mean),
            ("weighted_mean", AggregationMethod.WeightedMean),
            ("sum", AggregationMethod.Sum),
            ("max", AggregationMethod.Max),
            ("min", AggregationMethod.Min),
            ("median", AggregationMethod.Median),
            ("majority_vote", AggregationMethod.MajorityVote),
            ("concat", AggregationMethod.Concat),
            ("stack", AggregationMethod.Stack),
            ("first", AggregationMethod.First));
        var steps = ReadSteps(section, "members", name, method is AggregationMethod.WeightedMean or AggregationMethod.MajorityVote);
        if (method is not (AggregationMethod.Concat or AggregationMethod.Stack) && section.Has("axis"))
            section.Error("axis", "is a matter of concat and stack alone");
        var plan = new EnsemblePlan
        {
            Steps = steps,
            Outputs = [],
            MaxInFlightRequests = section.Integer("max_inflight_requests", 0, 0, int.MaxValue),
            Aggregation = new()
            {
                Method = method,
                // In dims, as everywhere in this file, the batch is not counted.
                Axis = section.Integer("axis", 0, 0, MaxAxis) + (maxBatchSize > 0 ? 1 : 0),
                Required = ReadRequired(section, method, steps.Count),
                Deadline = section.Has("deadline_milliseconds")
                    ? TimeSpan.FromMilliseconds(section.Integer("deadline_milliseconds", 1, 1, MaxDeadline))
                    : null,
                AdmitsNaN = section.OneOf("nan", false, ("fail", false), ("allow", true)),
            },
        };
        section.RejectUnknown();
        return plan;
    }

    private static int ReadRequired(JsonSection section, AggregationMethod method, int members)
    {
        if (method == AggregationMethod.First)
        {
            if (section.String("require", "any") != "any") section.Error("require", "contradicts aggregate first, which takes any answer");
            return 1;
        }

        var text = section.String("require", "all");
        if (text == "all") return members;
        if (text == "any") return 1;
        const string Quorum = "quorum(";
        if (text.StartsWith(Quorum, StringComparison.Ordinal) && text.EndsWith(')') &&
            int.TryParse(text.AsSpan()[Quorum.Length..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var quorum) &&
            quorum >= 1 && quorum <= members)
        {
            return quorum;
        }

        section.Error("require", $"'{text}' is not one of all, any and quorum(1) to quorum({members})");
        return members;
    }

    private static List<EnsembleStep> ReadSteps(JsonSection section, string field, string ensemble, bool areWeighted)
    {
        var steps = new List<EnsembleStep>();
        var entries = section.Sections(field);
        if (entries.Count > MaxSteps)
        {
            section.Error(field, $"has {entries.Count} entries, the limit is {MaxSteps}");
            return steps;
        }

        foreach (var entry in entries)
        {
            var model = entry.String("model_name");
            if (model == ensemble) entry.Error("model_name", $"'{model}' is the ensemble itself");
            var name = entry.String("name", FindFreeName(model, steps));
            if (steps.Any(other => other.Name == name)) entry.Error("name", $"'{name}' is there twice");
            if (Reserved.Any(name.EndsWith)) entry.Error("name", $"'{name}' ends as the parameters do that tell of members: {string.Join(", ", Reserved)}");
            var version = entry.Integer("model_version", -1, -1, int.MaxValue);
            if (version == 0) entry.Error("model_version", "0 is no version: they begin at 1, and -1 leaves the choice to the server");
            if (!areWeighted && entry.Has("weight")) entry.Error("weight", "is a matter of weighted_mean and majority_vote alone");
            steps.Add(new()
            {
                Name = name,
                Model = model,
                Version = version < 1 ? null : version,
                InputMap = entry.Strings("input_map"),
                OutputMap = entry.Strings("output_map"),
                Weight = RoutingReader.ReadWeight(entry, "weight"),
            });
            entry.RejectUnknown();
        }

        if (steps.Count == 0) section.Error(field, "is empty: an ensemble has at least one model");
        return steps;
    }

    private static string FindFreeName(string model, List<EnsembleStep> others)
    {
        var name = model;
        for (var number = 2; others.Any(other => other.Name == name); number++)
            name = string.Create(CultureInfo.InvariantCulture, $"{model}#{number}");
        return name;
    }
}
