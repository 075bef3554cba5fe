using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace OrleansInference.Client.Routing;

/// <summary>Hashes text to the same number in every process, so that all front ends send equal keys the same way.</summary>
internal static class StableHash
{
    public static ulong Compute(string text) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()));

    /// <summary>The same as a number of 0 to below 1.</summary>
    public static double ToFraction(string text) => (Compute(text) >> 11) * (1.0 / (1UL << 53));
}
