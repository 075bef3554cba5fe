using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>Finds out whether a model can be loaded, without risking this process.</summary>
internal interface IModelVerifier
{
    /// <returns>Why the model cannot be loaded; null where it can.</returns>
    Task<string?> VerifyAsync(ModelVersion version, CancellationToken cancellationToken);
}
