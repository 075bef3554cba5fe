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
    /// <returns>What the folder holds now; nothing where there is none.</returns>
    IReadOnlyList<ModelPublication> Refresh(string model);

    /// <summary>Puts something in the place of a model's folder, from now on and also after a restart, unless it cannot be served.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="content">What stands for the folder.</param>
    /// <param name="verify">Says why a version cannot be loaded; null where it can.</param>
    /// <returns>What it is now, or what is wrong with the content; nothing where that is no model's name.</returns>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/>: the content names files that could lie elsewhere; <see cref="InferenceError.NotReady"/>:
    /// the repository cannot be written.
    /// </exception>
    Task<IReadOnlyList<ModelPublication>> OverrideAsync(string model, ModelOverride content, Func<ModelVersion, Task<string?>> verify);
}
