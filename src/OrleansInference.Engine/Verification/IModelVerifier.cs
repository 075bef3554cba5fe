using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Verification;

/// <summary>Finds out whether a model can be loaded, without risking this process.</summary>
internal interface IModelVerifier
{
    Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken);
}
