using System.Globalization;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>What the protocol tells of models, the same over REST and gRPC.</summary>
internal static class ModelQueries
{
    public static async Task<ModelMetadata> GetMetadataAsync(
        this IInferenceClient client, string model, int? version, CancellationToken cancellationToken)
    {
        var entry = await client.GetModelAsync(model, version, cancellationToken);
        var descriptor = entry.GetReadyDescriptor();
        var all = await client.GetModelsAsync(cancellationToken);
        return new(
            model,
            [.. all.Where(other => other.Id.Name == model && other.State == ModelState.Ready).Select(other => Format(other.Id.Version))],
            descriptor.Platform,
            [.. descriptor.Inputs.Select(ToMetadata)],
            [.. descriptor.Outputs.Select(ToMetadata)]);
    }

    /// <param name="client">The cluster.</param>
    /// <param name="model">The model; null for all of them.</param>
    /// <param name="version">The version; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<StatisticsBody> GetStatisticsBodyAsync(
        this IInferenceClient client, string? model, int? version, CancellationToken cancellationToken)
    {
        var statistics = await client.GetStatisticsAsync(model, version, cancellationToken);
        var instances = (await client.GetModelsAsync(cancellationToken)).ToDictionary(entry => entry.Id, entry => entry.Instances);
        return new([.. statistics.Select(pair => ToBody(pair.Model, pair.Statistics, instances.GetValueOrDefault(pair.Model, [])))]);
    }

    public static async Task<IReadOnlyList<IndexEntry>> GetIndexAsync(
        this IInferenceClient client, bool onlyReady, CancellationToken cancellationToken)
    {
        var models = await client.GetModelsAsync(cancellationToken);
        return
        [
            .. models
                .Where(entry => !onlyReady || entry.State == ModelState.Ready)
                .Select(entry => new IndexEntry(
                    entry.Id.Name,
                    entry.Id.Version == 0 ? "" : Format(entry.Id.Version),
                    entry.State.ToString().ToUpperInvariant(),
                    entry.Reason,
                    entry.Checksum.Length > 0 ? entry.Checksum : null)),
        ];
    }

    private static TensorMetadata ToMetadata(TensorSignature tensor) => new(tensor.Name, tensor.DataType.ToProtocolName(), tensor.Shape);

    private static ModelStatisticsBody ToBody(ModelId model, ModelStatistics statistics, IReadOnlyList<ModelInstanceStatus> instances) => new(
        model.Name,
        Format(model.Version),
        statistics.LastInference?.ToUnixTimeMilliseconds() ?? 0,
        statistics.InferenceCount,
        statistics.ExecutionCount,
        new(
            ToBody(statistics.Success),
            ToBody(statistics.Fail),
            ToBody(statistics.Queue),
            ToBody(statistics.ComputeInput),
            ToBody(statistics.ComputeInfer),
            ToBody(statistics.ComputeOutput),
            // There is no response cache; Triton's clients expect the fields.
            new(0, 0),
            new(0, 0)),
        [
            .. statistics.Batches.Select(batch => new BatchStatisticsBody(
                batch.BatchSize, ToBody(batch.ComputeInput), ToBody(batch.ComputeInfer), ToBody(batch.ComputeOutput))),
        ],
        statistics.QueueDepth,
        new(statistics.Reasons.Full, statistics.Reasons.Idle, statistics.Reasons.Delay, statistics.Reasons.Deadline),
        statistics.LoadCount,
        statistics.ColdRequestCount,
        [.. instances.Where(instance => instance.MemoryBytes > 0).Select(ToBody)],
        statistics.Members.Count == 0 ? null : [.. statistics.Members.Select(ToBody)],
        statistics.Shadow == default ? null : ToBody(statistics.Shadow));

    private static MemoryUsageBody ToBody(ModelInstanceStatus instance)
    {
        var parts = instance.Id.KindAndIndex.Split(':');
        return new(parts[0].ToUpperInvariant(), int.Parse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture), instance.Id.Device, instance.MemoryBytes);
    }

    private static MemberStatisticsBody ToBody(MemberStatistics member) => new(
        member.Member, member.Model, ToBody(member.Answered), ToBody(member.Failed), ToBody(member.Late), ToBody(member.Cancelled));

    private static ShadowBody ToBody(ShadowStatistics shadow) => new(shadow.Compared, shadow.Different, shadow.Failed, shadow.Skipped);

    private static DurationBody ToBody(DurationStatistics duration) => new(duration.Count, duration.Nanoseconds);

    private static string Format(int version) => version.ToString(CultureInfo.InvariantCulture);
}
