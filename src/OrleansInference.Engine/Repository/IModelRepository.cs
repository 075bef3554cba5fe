namespace OrleansInference.Engine.Repository;

/// <summary>The model versions that this process can load. Safe for concurrent use.</summary>
public interface IModelRepository
{
    /// <summary>Every model version, and every folder that should be one but is not, with the reason.</summary>
    IReadOnlyList<ModelPublication> Publications { get; }

    /// <summary>Ends when the publications change next. To be taken before they are read, so that no change falls between.</summary>
    Task Changed { get; }

    /// <summary>Finds a version whose configuration is sound.</summary>
    ModelVersion? Find(ModelId id);

    /// <summary>
    /// Reads a model's folder again. A version whose files have not changed stays the same object. A folder that is gone, or that holds
    /// nothing that could be served, does not replace what could be.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="content">
    /// What stands for the folder from now on, also after a restart, unless it cannot be served; null for the folder itself, where there is one.
    /// </param>
    /// <returns>What the folder holds now; nothing where there is none.</returns>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/>: the content names files that could lie elsewhere; <see cref="InferenceError.NotReady"/>:
    /// the repository cannot be written.
    /// </exception>
    IReadOnlyList<ModelPublication> Refresh(string model, ModelOverride? content = null);
}
