using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>A Redis of the test's own, on a port of its own. What it has written survives when it is stopped or killed and started again.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "redis-server";

    private readonly TemporaryFolder _data = new();
    private readonly IReadOnlyList<string> _arguments;
    private ChildProgram? _server;

    private RedisServer(int port, IEnumerable<string> arguments)
    {
        Port = port;
        _arguments = ["--bind", "127.0.0.1", "--port", $"{port}", "--dir", _data.Path, "--save", "", .. arguments];
    }

    public int Port { get; }

    /// <summary>Starts a server and waits until it answers. Skips the test where there is none.</summary>
    /// <param name="port">A free port of the loopback address; null for any.</param>
    /// <param name="arguments">Its arguments, beside those for the port and the folder; it must write what it is told to a file at once.</param>
    public static async Task<RedisServer> StartAsync(int? port = null, IEnumerable<string>? arguments = null)
    {
        Assert.SkipUnless(InstalledProgram.Find(Program) is not null, $"There is no {Program} (on Debian: apt-get install {Program}).");
        var server = new RedisServer(port ?? FreePort.Take(1)[0], arguments ?? ["--appendonly", "yes"]);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts the server, for the first time or again, on the same port and with what it had written.</summary>
    public async Task StartAsync()
    {
        if (_server is { HasExited: false }) throw new InvalidOperationException("The server runs.");
        _server?.Dispose();
        _server = ChildProgram.Start(InstalledProgram.Find(Program)!, _arguments);
        await Poll.UntilAsync(
            () => _server.HasExited ? throw new InvalidOperationException($"Redis has ended. {_server.Describe()}") : AnswersAsync(), "Redis answers");
    }

    /// <summary>Ends the server in an orderly way.</summary>
    public Task StopAsync() => _server!.StopAsync();

    /// <summary>Ends the server at once.</summary>
    public void Kill() => _server!.Kill();

    /// <summary>Ends the server, and starts it on the same port.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public void Pause() => _server!.Pause();

    public void Resume() => _server!.Resume();

    public ValueTask DisposeAsync()
    {
        _server?.Dispose();
        _data.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            await client.Client.SendAsync("PING\r\n"u8.ToArray());
            var answer = new byte[16];
            var count = await client.Client.ReceiveAsync(answer);
            return Encoding.ASCII.GetString(answer, 0, count).StartsWith("+PONG", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
