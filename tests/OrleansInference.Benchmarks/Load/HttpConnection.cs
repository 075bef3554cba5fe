using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansInference.Benchmarks.Load;

/// <summary>
/// HTTP/1.1 over a socket, without a client library: what the generator of the load costs is taken from the server, which shares its
/// processors.
/// </summary>
internal sealed class HttpConnection : IConnection
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ReadOnlyMemory<byte> _request;
    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _start;
    private int _end;

    private HttpConnection(ReadOnlyMemory<byte> request) => _request = request;

    public static async Task<IConnection> OpenAsync(int port, ReadOnlyMemory<byte> request)
    {
        var connection = new HttpConnection(request);
        await connection._socket.ConnectAsync(IPAddress.Loopback, port);
        return connection;
    }

    /// <summary>A whole request, head and body.</summary>
    public static byte[] MakeRequest(string path, byte[] body, params ReadOnlySpan<(string Name, string Value)> headers)
    {
        var head = new StringBuilder($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body.Length}\r\n");
        foreach (var (name, value) in headers) head.Append(name).Append(": ").Append(value).Append("\r\n");
        return [.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. body];
    }

    public async Task<int> SendAsync()
    {
        for (var sent = 0; sent < _request.Length;) sent += await _socket.SendAsync(_request[sent..]);
        var status = int.Parse((await ReadLineAsync()).AsSpan("HTTP/1.1 ".Length, 3), null);
        var length = 0L;
        var chunked = false;
        while (await ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) length = long.Parse(header.AsSpan("Content-Length:".Length), null);
            else chunked |= header.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        }

        if (!chunked)
        {
            await SkipAsync(length);
            return status;
        }

        while (true)
        {
            var size = Convert.ToInt64(await ReadLineAsync(), 16);
            await SkipAsync(size + "\r\n".Length);
            if (size == 0) return status;
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<string> ReadLineAsync()
    {
        while (true)
        {
            var end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8);
            if (end >= 0)
            {
                var line = Encoding.ASCII.GetString(_buffer, _start, end);
                _start += end + 2;
                return line;
            }

            await ReceiveAsync();
        }
    }

    private async ValueTask SkipAsync(long count)
    {
        while (count > 0)
        {
            if (_start == _end) await ReceiveAsync();
            var here = (int)Math.Min(count, _end - _start);
            _start += here;
            count -= here;
        }
    }

    private async ValueTask ReceiveAsync()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        var received = await _socket.ReceiveAsync(_buffer.AsMemory(_end));
        if (received == 0) throw new IOException("The server has closed the connection.");
        _end += received;
    }
}
