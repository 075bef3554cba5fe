using Inference;

using OrleansInference.AspNetCore.Protocol;

using Statistics = Inference.ModelStatistics;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>The messages of what REST answers in JSON.</summary>
internal static class ModelMessages
{
    public static ModelMetadataResponse ToMessage(this ModelMetadata metadata) => new()
    {
        Name = metadata.Name,
        Versions = { metadata.Versions },
        Platform = metadata.Platform,
        Inputs = { metadata.Inputs.Select(ToMessage) },
        Outputs = { metadata.Outputs.Select(ToMessage) },
    };

    public static RepositoryIndexResponse ToMessage(this IReadOnlyList<IndexEntry> index) => new()
    {
        Models =
        {
            index.Select(entry => new RepositoryIndexResponse.Types.ModelIndex
            {
                Name = entry.Name,
                Version = entry.Version,
                State = entry.State,
                Reason = entry.Reason,
            }),
        },
    };

    public static ModelStatisticsResponse ToMessage(this StatisticsBody statistics) => new() { ModelStats = { statistics.ModelStats.Select(ToMessage) } };

    private static ModelMetadataResponse.Types.TensorMetadata ToMessage(TensorMetadata tensor) =>
        new() { Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape } };

    private static Statistics ToMessage(ModelStatisticsBody model) => new()
    {
        Name = model.Name,
        Version = model.Version,
        LastInference = (ulong)model.LastInference,
        InferenceCount = (ulong)model.InferenceCount,
        ExecutionCount = (ulong)model.ExecutionCount,
        InferenceStats = new()
        {
            Success = ToMessage(model.InferenceStats.Success),
            Fail = ToMessage(model.InferenceStats.Fail),
            Queue = ToMessage(model.InferenceStats.Queue),
            ComputeInput = ToMessage(model.InferenceStats.ComputeInput),
            ComputeInfer = ToMessage(model.InferenceStats.ComputeInfer),
            ComputeOutput = ToMessage(model.InferenceStats.ComputeOutput),
            CacheHit = ToMessage(model.InferenceStats.CacheHit),
            CacheMiss = ToMessage(model.InferenceStats.CacheMiss),
        },
        BatchStats =
        {
            model.BatchStats.Select(batch => new InferBatchStatistics
            {
                BatchSize = (ulong)batch.BatchSize,
                ComputeInput = ToMessage(batch.ComputeInput),
                ComputeInfer = ToMessage(batch.ComputeInfer),
                ComputeOutput = ToMessage(batch.ComputeOutput),
            }),
        },
    };

    private static StatisticDuration ToMessage(DurationBody duration) => new() { Count = (ulong)duration.Count, Ns = (ulong)duration.Ns };
}
