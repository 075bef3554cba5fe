using OrleansInference.Client.Ensembles;

namespace OrleansInference.Client.Routing;

/// <summary>What this process has seen of a model version's requests, as long as the model's configuration stays the same.</summary>
internal sealed class ModelRecord(ModelDescriptor? descriptor)
{
    /// <summary>Of an ensemble; null for all other models.</summary>
    public EnsembleRecord? Ensemble { get; } = descriptor?.Ensemble is { } plan ? new(plan) : null;

    /// <summary>Of the copies of requests that the version has got.</summary>
    public ShadowRecord Shadow { get; } = new();
}
