using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OrleansInference.Engine.Verification;

/// <summary>What a verifying process takes upon itself before it touches a model.</summary>
internal static partial class ProcessLimits
{
    private const int KillSignal = 9;
    private const int DataResource = 2;
    private const int CoreResource = 4;

    /// <summary>
    /// What may be allocated beyond what may be in use: stacks, and memory that is taken and never touched. It is the parent that looks at
    /// memory in use; this stops what grows faster than the parent looks.
    /// </summary>
    private const long Beyond = 512 << 20;

    /// <summary>Bounds this process and makes it yield to its parent; where the platform has no means for one of these, the others hold.</summary>
    /// <param name="memory">The bytes that may be in use.</param>
    public static void Apply(long memory)
    {
        YieldProcessors();
        if (OperatingSystem.IsWindows()) return;
        // A group of its own, which can be ended with all that it starts.
        _ = SetSession();
        if (!OperatingSystem.IsLinux()) return;
        Limit(CoreResource, 0);
        Limit(DataResource, (ulong)Math.Min(memory, long.MaxValue / 2) / 4 * 5 + Beyond);
        ComeFirstWhenMemoryIsShort();
    }

    /// <summary>Ends a process that has called <see cref="Apply"/>, and all that it has started.</summary>
    public static void EndGroup(Process leader)
    {
        if (!leader.HasExited) leader.Kill(entireProcessTree: true);
        EndWhatOutlives(leader);
    }

    /// <summary>Ends this process, whatever it does, when its input ends: with its parent.</summary>
    public static void EndWithInput()
    {
        var watch = new Thread(() =>
        {
            while (Console.In.Read() >= 0)
            {
                // Nothing more is said.
            }

            using var self = Process.GetCurrentProcess();
            EndWhatOutlives(self);
            self.Kill();
        });
        watch.IsBackground = true;
        watch.Start();
    }

    /// <summary>What has lost its parent is found by the group alone.</summary>
    private static void EndWhatOutlives(Process leader)
    {
        // -1 would be everything.
        if (!OperatingSystem.IsWindows() && leader.Id > 1) _ = Kill(-leader.Id, KillSignal);
    }

    private static void YieldProcessors()
    {
        try
        {
            using var self = Process.GetCurrentProcess();
            self.PriorityClass = ProcessPriorityClass.BelowNormal;
        }
        catch (Win32Exception)
        {
            // It has a lower one already.
        }
    }

    private static void Limit(int resource, ulong most) => _ = SetLimit(resource, new ResourceLimit(most, most));

    /// <summary>The kernel ends this process, and not its parent.</summary>
    private static void ComeFirstWhenMemoryIsShort()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Some containers have no such file, or one for reading.
        }
    }

    private readonly record struct ResourceLimit(ulong Soft, ulong Hard);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
