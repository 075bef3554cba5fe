namespace OrleansInference;

/// <summary>Grain references by what they are, so that no caller builds a key.</summary>
public static class GrainFactoryExtensions
{
    /// <summary>The grain of a model version on a device.</summary>
    public static IModelGrain GetModel(this IGrainFactory factory, ModelInstanceId instance) =>
        factory.GetGrain<IModelGrain>(instance.ToString());

    /// <summary>A worker on the nearest silo.</summary>
    public static IInferenceWorkerGrain GetWorker(this IGrainFactory factory) => factory.GetGrain<IInferenceWorkerGrain>(0);

    /// <summary>The model repository, as the silo that owns a device reads it.</summary>
    public static IModelRepositoryGrain GetRepository(this IGrainFactory factory, string device) =>
        factory.GetGrain<IModelRepositoryGrain>(device);

    /// <summary>The cluster's catalog.</summary>
    public static IModelCatalogGrain GetCatalog(this IGrainFactory factory) => factory.GetGrain<IModelCatalogGrain>(0);
}
