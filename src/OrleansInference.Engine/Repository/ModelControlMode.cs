namespace OrleansInference.Engine.Repository;

/// <summary>When a silo looks at its repositories, and which models it loads without being asked to. Models can be loaded and unloaded in all of them.</summary>
public enum ModelControlMode
{
    /// <summary>All models are loaded, and what changes in their folders is found at once.</summary>
    Watch,

    /// <summary>All models are loaded, and what changes is found within <see cref="EngineOptions.PollInterval"/>.</summary>
    Poll,

    /// <summary>All models are loaded. What changes is found when a model is loaded again.</summary>
    None,

    /// <summary>Only the models of <see cref="EngineOptions.LoadModels"/> are loaded, and those that someone asks for.</summary>
    Explicit,
}
