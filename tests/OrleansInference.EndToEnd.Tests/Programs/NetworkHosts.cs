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

    // Debian has it where only root looks.
    private static readonly string? File = InstalledProgram.Find(Program, "/usr/sbin", "/sbin");

    // Names of links have 15 characters at most. No other cluster of this machine may have the same, nor the same addresses.
    private readonly int _number = Random.Shared.Next(1, 255);
    private readonly Dictionary<string, int> _hosts = [];

    private NetworkHosts(IEnumerable<string> names)
    {
        Run("link", "add", Switch, "type", "bridge");
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

    private string Switch => $"oi{_number}";

    /// <summary>Makes hosts of the given names. Skips the test where that is not possible.</summary>
    public static NetworkHosts Create(IEnumerable<string> names)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File is not null,
            $"There is no {Program} that this user may use (on Debian: apt-get install iproute2).");
        try
        {
            return new(names);
        }
        catch (InvalidOperationException exception)
        {
            Assert.Skip($"This machine makes no networks: {exception.Message}");
            throw;
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
