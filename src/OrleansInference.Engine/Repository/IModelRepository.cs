namespace OrleansInference.Engine.Repository;

/// <summary>The model versions that this process can load.</summary>
public interface IModelRepository
{
    /// <summary>Every model version, and every folder that should be one but is not, with the reason.</summary>
    IReadOnlyList<ModelPublication> Publications { get; }

    /// <summary>Finds a version whose configuration is sound.</summary>
    ModelVersion? Find(ModelId id);
}
