using System.Text.Json;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>What <c>/stats</c> tells of a model's one version.</summary>
internal sealed record ModelStats(long Rows, long Executions, long Successes, long Failures, int QueueDepth, IReadOnlyDictionary<int, long> Batches)
{
    public static ModelStats Parse(JsonElement body)
    {
        var model = Assert.Single(body.GetProperty("model_stats").EnumerateArray());
        return new(
            model.GetProperty("inference_count").GetInt64(),
            model.GetProperty("execution_count").GetInt64(),
            Count(model, "success"),
            Count(model, "fail"),
            model.GetProperty("queue_depth").GetInt32(),
            model.GetProperty("batch_stats").EnumerateArray().ToDictionary(
                batch => batch.GetProperty("batch_size").GetInt32(),
                batch => batch.GetProperty("compute_infer").GetProperty("count").GetInt64()));
    }

    private static long Count(JsonElement model, string outcome) =>
        model.GetProperty("inference_stats").GetProperty(outcome).GetProperty("count").GetInt64();
}
