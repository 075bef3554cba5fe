using System.Net;
using System.Net.Sockets;

namespace OrleansInference.Tests.Shared.Programs;

/// <summary>Ports of the loopback address that nobody listens on.</summary>
internal static class FreePort
{
    /// <summary>As many different ports as asked for.</summary>
    public static int[] Take(int count)
    {
        // All are held until the last one is found, so that none is found twice.
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        foreach (var listener in listeners) listener.Start();
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (var listener in listeners) listener.Dispose();
        return ports;
    }
}
