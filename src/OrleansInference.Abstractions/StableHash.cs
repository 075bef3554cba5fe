using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace OrleansInference;

/// <summary>Hashes text to the same number in every process, so that all silos and front ends choose alike.</summary>
public static class StableHash
{
    /// <summary>A hash of a text's UTF-16 code units.</summary>
    public static ulong Compute(string text) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()));

    /// <summary>The same as a number of 0 to below 1.</summary>
    public static double ToFraction(string text) => (Compute(text) >> 11) * (1.0 / (1UL << 53));
}
