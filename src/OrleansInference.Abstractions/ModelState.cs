namespace OrleansInference;

/// <summary>Whether a model version, or an instance of it, can answer. The values travel between processes: never renumber.</summary>
public enum ModelState
{
    /// <summary>It cannot answer, for the reason that stands beside the state.</summary>
    Unavailable = 0,

    /// <summary>It is being verified, loaded or warmed up.</summary>
    Loading = 1,

    /// <summary>It answers.</summary>
    Ready = 2,

    /// <summary>It finishes what it has and takes no more.</summary>
    Unloading = 3,

    /// <summary>Of an instance: it is loaded when it is asked, and answers then. The model version is ready by that.</summary>
    OnDemand = 4,
}
