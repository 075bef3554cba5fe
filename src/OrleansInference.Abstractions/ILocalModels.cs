namespace OrleansInference;

/// <summary>The model instances of the silo that this process is, which can be asked without a message. Only silos have such a service.</summary>
public interface ILocalModels
{
    /// <summary>The silo's name, the first part of its devices'.</summary>
    string SiloName { get; }

    /// <summary>Hands a request to an instance, as its <see cref="IModelGrain"/> would.</summary>
    /// <returns>The answer to come; null where the instance is not loaded here, and its grain is to be asked.</returns>
    /// <inheritdoc cref="IModelGrain.InferAsync"/>
    Task<InferenceResponse>? TryInferAsync(ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken);
}
