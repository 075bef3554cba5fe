using System.Diagnostics;
using System.Globalization;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>
/// Hosts of a network of their own, as far as programs can tell: network namespaces, each with an address and a cable to one switch, to which the
/// test itself is connected too. Linux, as root.
/// </summary>
internal sealed class NetworkHosts : IDisposable
{
    private const string Program = "ip";

    private const int MaxAttempts = 10;

    // Debian has it where only root looks.
    private static readonly string? File = InstalledProgram.Find(Program, "/usr/sbin", "/sbin");

    private readonly int _number;
    private readonly Dictionary<string, int> _hosts = [];

    /// <param name="number">Of no other network of this machine.</param>
    /// <param name="names">The hosts' names.</param>
    private NetworkHosts(int number, IEnumerable<string> names)
    {
        _number = number;
        try
        {
            Run("address", "add", $"{OwnAddress}/24", "dev", Switch);
            Run("link", "set", Switch, "up");
            foreach (var name in names) Connect(name);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The address at which the hosts find what runs outside of them.</summary>
    public string OwnAddress => AddressOf(1);

    // Names of links have 15 characters at most.
    private string Switch => SwitchOf(_number);

    /// <summary>Makes hosts of the given names. Skips the test where this machine makes no switches or no hosts.</summary>
    public static NetworkHosts Create(IEnumerable<string> names)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File is not null,
            $"There is no {Program} that this user may use (on Debian: apt-get install iproute2).");
        for (var attempt = 1; ; attempt++)
        {
            var number = Random.Shared.Next(1, 255);
            var error = TryRun("link", "add", SwitchOf(number), "type", "bridge");
            if (error.Length == 0 && (error = TryRun("netns", "add", SwitchOf(number))).Length > 0) TryRun("link", "delete", SwitchOf(number));
            // Another test may have it, or have left it behind.
            if (error.Contains("File exists", StringComparison.Ordinal) && attempt < MaxAttempts) continue;
            Assert.SkipWhen(error.Length > 0, $"This machine makes no networks: {error}");
            TryRun("netns", "delete", SwitchOf(number));
            return new(number, names);
        }
    }

    /// <summary>A host's address; null where there is none of that name.</summary>
    public string? Find(string host) => _hosts.TryGetValue(host, out var number) ? AddressOf(number) : null;

    /// <summary>What to start in place of a program, so that it runs on a host.</summary>
    public (string Program, IEnumerable<string> Arguments) On(string host, string program) => (File!, ["netns", "exec", SpaceOf(_hosts[host]), program]);

    /// <summary>Pulls a host's cable.</summary>
    public void Cut(string host) => Run("link", "set", CableOf(_hosts[host]), "down");

    /// <summary>Ends the network. What runs on its hosts must have ended.</summary>
    public void Dispose()
    {
        foreach (var host in _hosts.Values) TryRun("netns", "delete", SpaceOf(host));
        TryRun("link", "delete", Switch);
    }

    private static string SwitchOf(int number) => $"oi{number}";

    private void Connect(string name)
    {
        var host = _hosts.Count + 2;
        _hosts[name] = host;
        var space = SpaceOf(host);
        Run("netns", "add", space);
        Run("link", "add", CableOf(host), "type", "veth", "peer", "name", "eth0", "netns", space);
        Run("link", "set", CableOf(host), "master", Switch, "up");
        Run("-n", space, "address", "add", $"{AddressOf(host)}/24", "dev", "eth0");
        Run("-n", space, "link", "set", "eth0", "up");
        Run("-n", space, "link", "set", "lo", "up");
    }

    // Addresses of networks for measurements (RFC 2544), which nobody uses otherwise.
    private string AddressOf(int host) => string.Create(CultureInfo.InvariantCulture, $"198.18.{_number}.{host}");

    private string SpaceOf(int host) => $"{Switch}-host{host}";

    private string CableOf(int host) => $"{Switch}-{host}";

    private static void Run(params IEnumerable<string> arguments)
    {
        if (TryRun(arguments) is { Length: > 0 } error) throw new InvalidOperationException($"{Program} {string.Join(' ', arguments)}: {error}");
    }

    /// <returns>What it said where it failed; empty where it did not.</returns>
    private static string TryRun(params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(File!, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : $"{error.Trim()} ({process.ExitCode})";
    }
}
