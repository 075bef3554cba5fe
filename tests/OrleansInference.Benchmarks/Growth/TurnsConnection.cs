using OrleansInference.Benchmarks.Load;

namespace OrleansInference.Benchmarks.Growth;

/// <summary>One caller that asks several models, one after the other and over again; each over a connection of its own.</summary>
internal sealed class TurnsConnection : IConnection
{
    private readonly List<IConnection> _connections = [];
    private int _next;

    public static async Task<IConnection> OpenAsync(int port, IEnumerable<byte[]> requests)
    {
        var turns = new TurnsConnection();
        foreach (var request in requests) turns._connections.Add(await HttpConnection.OpenAsync(port, request));
        return turns;
    }

    public Task<int> SendAsync() => _connections[_next++ % _connections.Count].SendAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) await connection.DisposeAsync();
    }
}
