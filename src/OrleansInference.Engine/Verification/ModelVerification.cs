namespace OrleansInference.Engine.Verification;

/// <summary>What came of verifying a model.</summary>
internal sealed record ModelVerification(string? Reason, long MemoryBytes, string Checksum);
