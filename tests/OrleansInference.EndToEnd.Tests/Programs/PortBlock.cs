using System.Diagnostics;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>Has the machine's firewall drop all that is sent to some ports or comes from them, as a broken cable does, until it is disposed. Needs root.</summary>
internal sealed class PortBlock : IDisposable
{
    private const string Program = "iptables";

    // Debian has it where only root looks.
    private static readonly string? File = InstalledProgram.Find(Program, "/usr/sbin", "/sbin");

    private readonly List<string[]> _rules = [];

    private PortBlock(IEnumerable<int> ports)
    {
        foreach (var port in ports)
        {
            foreach (var side in new[] { "--dport", "--sport" })
            {
                string[] rule = ["INPUT", "-i", "lo", "-p", "tcp", side, $"{port}", "-j", "DROP"];
                if (Run(["-I", .. rule]) != 0) throw new InvalidOperationException($"{Program} has not taken {string.Join(' ', rule)}.");
                _rules.Add(rule);
            }
        }
    }

    /// <summary>Skips the test where the firewall cannot be told.</summary>
    public static void Require() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File is not null && Run(["-L", "INPUT", "-n"]) == 0,
        $"There is no {Program} that this user may use (on Debian: apt-get install {Program}).");

    public static PortBlock Start(params IEnumerable<int> ports) => new(ports);

    public void Dispose()
    {
        foreach (var rule in _rules) Run(["-D", .. rule]);
    }

    private static int Run(IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(File!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
