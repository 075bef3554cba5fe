namespace OrleansInference.Engine.Quarantine;

/// <summary>What a device thread has a model do. The values stand in files: never renumber.</summary>
internal enum RunPhase
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It is loaded and warmed up.</summary>
    Load = 1,

    /// <summary>It runs for the first time since it was loaded.</summary>
    FirstRun = 2,

    /// <summary>It runs once more.</summary>
    LaterRun = 3,
}
