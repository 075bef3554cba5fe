using System.Globalization;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>A PostgreSQL of the test's own, with the tables of <c>silo/postgresql</c>, on a port of its own.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "postgres";

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePort.Take(1)[0];
    private bool _runs;

    private PostgresServer()
    {
    }

    private string Data => Path.Combine(_folder.Path, "data");

    /// <summary>The settings of a cluster that keeps everything in it, as on the command line.</summary>
    public IEnumerable<string> Settings =>
        from section in new[] { "Clustering", "GrainStorage:inference", "Reminders" }
        from setting in new[] { "ProviderType=AdoNet", "Invariant=Npgsql", $"ConnectionString=Host=127.0.0.1;Port={_port};Username={User};Database={User}" }
        select $"--Orleans:{section}:{setting}";

    /// <summary>Starts a server. Skips the test where there is none, or no user that it may run as.</summary>
    /// <param name="script">A file of statements.</param>
    public static async Task<PostgresServer> StartAsync(string script)
    {
        const string Absent = "There is no PostgreSQL server (on Debian: apt-get install postgresql).";
        Assert.SkipWhen(OperatingSystem.IsWindows() || Find("initdb") is null || Find("pg_ctl") is null || Find("psql") is null, Absent);
        var server = new PostgresServer();
        try
        {
            await server.InitializeAsync();
            await RunAsync(Find("psql")!, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", server.Port, "-U", User, "-1", "-f", script, User);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_runs) await RunAsUserAsync("pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");
        _folder.Dispose();
    }

    private string Port => _port.ToString(CultureInfo.InvariantCulture);

    private async Task InitializeAsync()
    {
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", User, _folder.Path);
        await RunAsUserAsync("initdb", "-D", Data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-sync");
        _runs = true;
        var options = $"-p {Port} -k {_folder.Path} -c listen_addresses=127.0.0.1 -c fsync=off";
        await RunAsUserAsync("pg_ctl", "-D", Data, "-l", Path.Combine(_folder.Path, "log"), "-w", "-o", options, "start");
    }

    /// <summary>The server refuses to run as root.</summary>
    private static Task RunAsUserAsync(string program, params IEnumerable<string> arguments) => Environment.IsPrivilegedProcess
        ? RunAsync("runuser", ["-u", User, "--", Find(program)!, .. arguments])
        : RunAsync(Find(program)!, arguments);

    private static async Task RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var run = ChildProgram.Start(program, arguments);
        if (await run.WaitAsync() != 0) throw new InvalidOperationException($"{program} has failed. {run.Describe()}");
    }

    /// <summary>Debian keeps the server's programs away from the search path.</summary>
    private static string? Find(string program)
    {
        const string Versions = "/usr/lib/postgresql";
        var versions = Directory.Exists(Versions) ? Directory.GetDirectories(Versions) : [];
        return InstalledProgram.Find(program, versions.Select(version => Path.Combine(version, "bin")));
    }
}
