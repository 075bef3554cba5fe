using System.Diagnostics;
using System.Globalization;

using OrleansInference.Engine.Devices;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// The memory that is this process's own: on Linux what is not backed by a file, so that libraries do not count, elsewhere its private bytes.
/// </summary>
internal static class OwnMemory
{
    private const string Status = "/proc/self/status";
    private const string Maps = "/proc/self/maps";
    private const string Anonymous = "RssAnon:";

    /// <summary>What is held now, without what waits to be collected or to be handed back to the kernel.</summary>
    public static long Read()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        NativeMemory.GiveBackFreedPages();
        if (OperatingSystem.IsLinux()) return ReadAnonymous();
        using var process = Process.GetCurrentProcess();
        return process.PrivateMemorySize64;
    }

    /// <summary>The bytes of a folder's files that are mapped, and so are in memory as they are needed; on Linux alone.</summary>
    public static long MappedFrom(string folder)
    {
        if (!OperatingSystem.IsLinux()) return 0;
        var prefix = Path.GetFullPath(folder) + Path.DirectorySeparatorChar;
        return File.ReadLines(Maps).Where(line => line.Contains(prefix, StringComparison.Ordinal)).Sum(line =>
        {
            // <start>-<end> <permissions> <offset> <device> <inode> <path>
            var range = line[..line.IndexOf(' ', StringComparison.Ordinal)].Split('-');
            return Parse(range[1]) - Parse(range[0]);
        });

        static long Parse(string address) => long.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static long ReadAnonymous()
    {
        var line = File.ReadLines(Status).First(line => line.StartsWith(Anonymous, StringComparison.Ordinal));
        return long.Parse(line.AsSpan()[Anonymous.Length..^"kB".Length].Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
