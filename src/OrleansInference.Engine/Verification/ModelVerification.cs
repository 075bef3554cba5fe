namespace OrleansInference.Engine.Verification;

/// <summary>What a verification has found out about a version.</summary>
internal sealed record ModelVerification
{
    /// <summary>Why the model cannot be loaded; null where it can.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// What loading the model and warming it up adds to a process's own memory, in bytes: at least 1, and 0 where it cannot be loaded.
    /// Weights that are mapped from a file and not read count with the file's length, where that is more.
    /// </summary>
    public long MemoryBytes { get; init; }

    /// <summary>The SHA-256 over the version's own files and their names, as lower-case hexadecimal digits; empty where they cannot be read.</summary>
    public string Checksum { get; init; } = "";

    public static ModelVerification Sound(long memoryBytes) => new() { MemoryBytes = memoryBytes };

    public static ModelVerification Broken(string reason) => new() { Reason = reason };
}
