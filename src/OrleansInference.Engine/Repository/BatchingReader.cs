using System.Globalization;

namespace OrleansInference.Engine.Repository;

/// <summary>Reads how requests share batches and wait for them: <c>dynamic_batching</c>.</summary>
internal static class BatchingReader
{
    /// <summary>A queue has two lists for every level, so the levels need a bound.</summary>
    private const int MaxPriorityLevels = 256;

    public static DynamicBatching Read(JsonSection model, int maxBatchSize)
    {
        if (model.Section("dynamic_batching") is not { } section) return new();
        if (maxBatchSize == 0) model.Error("dynamic_batching", "contradicts max_batch_size 0, which says that the model does not batch");
        var preferred = section.Integers("preferred_batch_size", 1, Math.Max(1, maxBatchSize)) ?? [];
        var levels = section.Integer("priority_levels", 0, 0, MaxPriorityLevels);
        var batching = new DynamicBatching
        {
            Enabled = true,
            PreferredBatchSizes = [.. preferred.Order()],
            MaxQueueDelay = Microseconds(section, "max_queue_delay_microseconds"),
            LatencyTarget = Microseconds(section, "latency_target_microseconds"),
            PreserveOrdering = section.Boolean("preserve_ordering", false),
            PriorityLevels = levels,
            DefaultPriority = ReadDefaultPriority(section, levels),
            DefaultPolicy = section.Section("default_queue_policy") is { } policy ? ReadPolicy(policy) : new(),
            LevelPolicies = ReadLevelPolicies(section, levels),
            Padding = PaddingReader.Read(section),
        };
        if (batching.PreserveOrdering) CheckOrdering(section, batching);
        section.RejectUnknown();
        return batching;
    }

    private static int ReadDefaultPriority(JsonSection section, int levels)
    {
        var priority = section.Integer("default_priority_level", 0, 0, int.MaxValue);
        if (levels > 0 ? priority < 1 || priority > levels : priority > 0)
            section.Error("default_priority_level", $"{priority} is not one of the levels from 1 to priority_levels, which is {levels}");
        return priority;
    }

    private static Dictionary<int, QueuePolicy> ReadLevelPolicies(JsonSection section, int levels)
    {
        var policies = new Dictionary<int, QueuePolicy>();
        foreach (var (key, policy) in section.Map("priority_queue_policy"))
        {
            var isLevel = int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var level) && level >= 1 && level <= levels;
            if (isLevel && policies.TryAdd(level, ReadPolicy(policy))) continue;
            section.Error(
                $"priority_queue_policy.{key}", $"'{key}' is not one of the levels from 1 to priority_levels, which is {levels}, each once");
        }

        return policies;
    }

    private static QueuePolicy ReadPolicy(JsonSection section)
    {
        var policy = new QueuePolicy(
            section.Integer("max_queue_size", 0, 0, int.MaxValue),
            Microseconds(section, "default_timeout_microseconds"),
            section.OneOf("timeout_action", false, ("REJECT", false), ("DELAY", true)));
        // A request's own timeout always counts, as its deadline: there is nothing to allow.
        section.Boolean("allow_timeout_override", false);
        section.RejectUnknown();
        return policy;
    }

    private static void CheckOrdering(JsonSection section, DynamicBatching batching)
    {
        if (batching.PriorityLevels > 1)
        {
            section.Error(
                "preserve_ordering", $"true contradicts priority_levels {batching.PriorityLevels}: urgent requests go before those that came earlier");
        }

        if (batching.LevelPolicies.Values.Append(batching.DefaultPolicy).Any(policy => policy.IsDelayedOnTimeout))
            section.Error("preserve_ordering", "true contradicts timeout_action DELAY: delayed requests go behind those that came later");
    }

    private static TimeSpan Microseconds(JsonSection section, string field) =>
        TimeSpan.FromMicroseconds(section.Integer(field, 0, 0, int.MaxValue));
}
