using System.Net;
using System.Net.Sockets;

using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace OrleansInference.AspNetCore;

/// <summary>What attributes cannot say of the addresses to serve at.</summary>
internal sealed class ListenAddresses : IValidateOptions<FrontDoorOptions>
{
    private const string Localhost = "localhost";

    public ValidateOptionsResult Validate(string? name, FrontDoorOptions options)
    {
        var failures = Parse(options).Where(address => !IsPossible(address.Parsed))
            .Select(address => $"{address.Key}: '{address.Text}' has no possible port: expected one from 1 to {IPEndPoint.MaxPort}.")
            .ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>
    /// Tries the addresses before anything is started: a front end that waits for its silo would otherwise say only when one is there
    /// that it cannot serve.
    /// </summary>
    /// <exception cref="OptionsValidationException">An address cannot be had.</exception>
    public static void Try(FrontDoorOptions options)
    {
        var failures = new List<string>();
        // All are held until the last one is tried, so that one address for both is found as well.
        var sockets = new List<Socket>();
        try
        {
            foreach (var (key, text, parsed) in Parse(options))
            {
                if (TryBind(parsed, sockets) is { } reason) failures.Add($"{key}: '{text}' cannot be served at: {reason}.");
            }
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }

        if (failures.Count > 0) throw new OptionsValidationException(FrontDoorOptions.SectionName, typeof(FrontDoorOptions), failures);
    }

    private static IEnumerable<(string Key, string Text, BindingAddress Parsed)> Parse(FrontDoorOptions options) =>
        from address in new[] { (Key: nameof(options.Http), Text: options.Http), (Key: nameof(options.Grpc), Text: options.Grpc) }
        // What is no address at all is refused by the options' own attributes.
        let parsed = TryParse(address.Text)
        where parsed is not null
        select ($"{FrontDoorOptions.SectionName}:{address.Key}", address.Text, parsed);

    private static BindingAddress? TryParse(string address)
    {
        try
        {
            return BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Where what stands behind the colon is no number, the server would take all of it for a name, and listen everywhere.</summary>
    private static bool IsPossible(BindingAddress address) =>
        address.Port is >= 1 and <= IPEndPoint.MaxPort && (IPAddress.TryParse(address.Host, out _) || !address.Host.Contains(':', StringComparison.Ordinal));

    /// <returns>Why not; null where the server can have the address.</returns>
    private static string? TryBind(BindingAddress address, List<Socket> sockets)
    {
        if (IPAddress.TryParse(address.Host, out var ip)) return TryBind(ip, address.Port, sockets)?.Message;
        if (!address.Host.Equals(Localhost, StringComparison.OrdinalIgnoreCase)) return TryBind(IPAddress.Any, address.Port, sockets)?.Message;
        // The server is content with one of the two, unless another program has the other one.
        var four = TryBind(IPAddress.Loopback, address.Port, sockets);
        var six = TryBind(IPAddress.IPv6Loopback, address.Port, sockets);
        if (four?.SocketErrorCode == SocketError.AddressAlreadyInUse) return four.Message;
        if (six?.SocketErrorCode == SocketError.AddressAlreadyInUse) return six.Message;
        return four is not null && six is not null ? four.Message : null;
    }

    private static SocketException? TryBind(IPAddress ip, int port, List<Socket> sockets)
    {
        try
        {
            var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            socket.Bind(new IPEndPoint(ip, port));
            // Where it is only bound, some systems let others bind it as well.
            socket.Listen();
            return null;
        }
        catch (SocketException exception)
        {
            return exception;
        }
    }
}
