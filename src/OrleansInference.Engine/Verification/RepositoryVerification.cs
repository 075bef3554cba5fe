using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>Reads model repositories and verifies every model as a silo would, without loading one into this process.</summary>
public static class RepositoryVerification
{
    /// <param name="options">The repositories, and how long a model may take.</param>
    /// <param name="cancellationToken">Ends the processes that verify.</param>
    /// <returns>All models by name and version, broken ones too.</returns>
    public static async Task<IReadOnlyList<VerifiedModel>> RunAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        using var verifier = new ChildProcessVerifier(TimeProvider.System, options);
        return await RunAsync(new FileModelRepository([.. options.Models]), new RememberingVerifier(verifier), cancellationToken);
    }

    internal static async Task<IReadOnlyList<VerifiedModel>> RunAsync(
        IModelRepository repository, IModelVerifier verifier, CancellationToken cancellationToken) =>
        await Task.WhenAll(repository.Publications.Select(async publication =>
        {
            if (repository.Find(publication.Id) is not { } version) return new VerifiedModel(publication, []);
            // An ensemble has no file to verify.
            var reason = version.Config.Ensemble is null ? (await verifier.VerifyAsync(version, cancellationToken)).Reason : null;
            return new(reason is null ? publication : publication with { Reason = reason }, version.Config.Warnings);
        }));
}

/// <summary>A model version of a repository, and what came of its verification.</summary>
/// <param name="Publication">The version, with the reason why it cannot be served.</param>
/// <param name="Warnings">What of its configuration has no effect.</param>
public sealed record VerifiedModel(ModelPublication Publication, IReadOnlyList<string> Warnings);
