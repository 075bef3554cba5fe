using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>Finds out whether a model can be loaded, without risking this process.</summary>
internal interface IModelVerifier
{
    /// <summary>Loads and runs a version, and says what came of it.</summary>
    Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken);
}
