using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace OrleansInference.Engine.Torch;

/// <summary>Settings of oneDNN, the library by which torch convolves on a CPU.</summary>
internal static partial class OneDnn
{
    private const string InstructionSet = "ONEDNN_MAX_CPU_ISA";

    /// <summary>The variable's name of old, which the new one would override.</summary>
    private const string OldInstructionSet = "DNNL_MAX_CPU_ISA";

    /// <summary>
    /// Keeps oneDNN from AVX-512 where the processor does not tell its caches, as in some virtual machines. There the version in libtorch
    /// 2.10 (oneDNN 3.7.1) gives wrong numbers for more than 16 input channels that are no multiple of 16. What an operator has set stays.
    /// To be called before torch computes anything.
    /// </summary>
    public static void AvoidWrongConvolutions()
    {
        const string WithoutAvx512 = "AVX2_VNNI_2";
        if (!X86Base.IsSupported || TellsItsCaches() || Environment.GetEnvironmentVariable(OldInstructionSet) is not null) return;
        if (OperatingSystem.IsWindows())
        {
            if (Environment.GetEnvironmentVariable(InstructionSet) is null) Environment.SetEnvironmentVariable(InstructionSet, WithoutAvx512);
            return;
        }

        // The runtime keeps a copy of the environment that native libraries do not see.
        _ = SetEnvironmentVariable(InstructionSet, WithoutAvx512, overwrite: 0);
    }

    /// <summary>Whether CPUID describes a cache, in Intel's leaf or in AMD's.</summary>
    private static bool TellsItsCaches()
    {
        const int Intel = 4, Amd = unchecked((int)0x8000_001D), Basic = 0, Extended = unchecked((int)0x8000_0000);
        return HasCache(Basic, Intel) || HasCache(Extended, Amd);

        static bool HasCache(int range, int leaf)
        {
            const int CacheType = 0x1F;
            return (uint)X86Base.CpuId(range, 0).Eax >= (uint)leaf && (X86Base.CpuId(leaf, 0).Eax & CacheType) != 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
