using System.Runtime.InteropServices;

namespace OrleansInference.Engine.Devices;

/// <summary>Settings of the C library's allocator, which serves every CPU tensor.</summary>
internal static partial class NativeMemory
{
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;

    /// <summary>
    /// Keeps glibc from handing freed tensors back to the kernel, only to fault the same pages in again for the next batch; that costs
    /// about half the time of a small network's forward pass. To be called before torch allocates anything.
    /// </summary>
    public static void KeepFreedPages()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallOpt(TrimThreshold, int.MaxValue);
            _ = MallOpt(MmapThreshold, 1 << 30);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library (musl): nothing to set.
        }
    }

    /// <summary>Hands them back all the same, where what is held is to be counted.</summary>
    public static void GiveBackFreedPages()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library (musl), which hands them back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
