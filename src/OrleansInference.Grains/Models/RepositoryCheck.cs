using OrleansInference.Engine;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Grains.Models;

/// <summary>Finds out what a silo would make of model repositories, without one.</summary>
public static class RepositoryCheck
{
    /// <param name="options">The repositories.</param>
    /// <param name="cancellationToken">Ends the processes that verify.</param>
    /// <returns>All models by name and version.</returns>
    public static async Task<IReadOnlyList<CheckedModel>> RunAsync(EngineOptions options, CancellationToken cancellationToken) =>
        Judge(await RepositoryVerification.RunAsync(options, cancellationToken));

    /// <summary>Ensembles are as sound as the models that they consist of.</summary>
    internal static IReadOnlyList<CheckedModel> Judge(IReadOnlyList<VerifiedModel> models)
    {
        var resolved = EnsembleResolver.Resolve([.. models.Select(model => ToEntry(model.Publication))]);
        return [.. resolved.Zip(models, (entry, model) => ToChecked(entry, model.Warnings))];
    }

    private static ModelEntry ToEntry(ModelPublication publication) => new()
    {
        Id = publication.Id,
        State = publication switch
        {
            { Reason.Length: > 0 } => ModelState.Unavailable,
            { Descriptor.Ensemble: not null } => ModelState.Loading,
            _ => ModelState.Ready,
        },
        Reason = publication.Reason,
        Descriptor = publication.Descriptor,
        Instances = [],
    };

    /// <summary>What is said of one that is ready, an ensemble that can do without a member, is a warning.</summary>
    private static CheckedModel ToChecked(ModelEntry entry, IReadOnlyList<string> warnings) => entry switch
    {
        { State: not ModelState.Ready } => new(entry.Id, entry.Descriptor, entry.Reason, warnings),
        { Reason.Length: > 0 } => new(entry.Id, entry.Descriptor, "", [.. warnings, entry.Reason]),
        _ => new(entry.Id, entry.Descriptor, "", warnings),
    };
}

/// <summary>What a silo would make of a model version.</summary>
/// <param name="Id">The model version; version 0 where the model has none.</param>
/// <param name="Descriptor">Its description; null where the configuration is broken.</param>
/// <param name="Problem">Why it cannot be served; empty where it can.</param>
/// <param name="Warnings">What does not keep it from being served.</param>
public sealed record CheckedModel(ModelId Id, ModelDescriptor? Descriptor, string Problem, IReadOnlyList<string> Warnings);
