namespace OrleansInference.Engine.Repository;

/// <summary>Reads on how many devices of the cluster a model is loaded.</summary>
internal static class ReplicasReader
{
    /// <summary>The most replicas that a configuration may ask for by number.</summary>
    public const int Limit = 1024;

    /// <summary><c>replicas</c>, or else the sum of the groups' counts, where any is given: 0 for all devices.</summary>
    public static int Read(JsonSection model, IReadOnlyList<InstanceGroup> groups)
    {
        var count = Math.Min(groups.Sum(group => (long)group.Count), Limit);
        if (count > 0 && model.Has("replicas"))
            model.Error("replicas", "contradicts the count of instance_group: both say on how many devices the model is loaded");
        return model.IntegerOr("all", 0, "replicas", (int)count, 1, Limit);
    }

    public static Autoscaling? ReadAutoscaling(JsonSection model)
    {
        if (model.Section("autoscaling") is not { } section) return null;
        foreach (var field in new[] { "replicas", "min_instances" })
        {
            if (model.Has(field)) section.Error("max_replicas", $"contradicts {field}: the number follows the load, or it is fixed");
        }

        var read = new Autoscaling(section.Integer("min_replicas", 1, 0, Limit), section.Integer("max_replicas", Limit, 1, Limit));
        read = read with
        {
            TargetOutstanding = section.Integer("target_outstanding", (int)read.TargetOutstanding, 1, 1_000_000),
            TargetQueueTime = TimeSpan.FromMilliseconds(section.Integer("target_queue_milliseconds", (int)read.TargetQueueTime.TotalMilliseconds, 1, 3_600_000)),
            IdleTime = TimeSpan.FromSeconds(section.Integer("idle_seconds", (int)read.IdleTime.TotalSeconds, 1, 31_536_000)),
        };
        if (read.MinReplicas > read.MaxReplicas) section.Error("min_replicas", $"{read.MinReplicas} is more than max_replicas, {read.MaxReplicas}");
        section.RejectUnknown();
        return read;
    }
}
