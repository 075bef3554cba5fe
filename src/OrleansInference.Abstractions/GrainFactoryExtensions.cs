namespace OrleansInference;

/// <summary>Grain references by what they are, so that no caller builds a key.</summary>
public static class GrainFactoryExtensions
{
    /// <summary>The grain of a model version on a device.</summary>
    public static IModelGrain GetModel(this IGrainFactory factory, ModelInstanceId instance) =>
        factory.GetGrain<IModelGrain>(instance.ToString());

    /// <summary>A worker on this silo, or of a client on the silo to which the key's connection leads.</summary>
    /// <param name="factory">The cluster.</param>
    /// <param name="key">Any number: different ones spread over a client's connections.</param>
    public static IInferenceWorkerGrain GetWorker(this IGrainFactory factory, int key = 0) => factory.GetGrain<IInferenceWorkerGrain>(key);

    /// <summary>The part in the cluster of the silo that owns a device.</summary>
    public static IModelRepositoryGrain GetRepository(this IGrainFactory factory, string device) =>
        factory.GetGrain<IModelRepositoryGrain>(device);

    /// <summary>The cluster's catalog.</summary>
    public static IModelCatalogGrain GetCatalog(this IGrainFactory factory) => factory.GetGrain<IModelCatalogGrain>(0);
}
