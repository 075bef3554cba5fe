using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansInference.EndToEnd.Tests.Programs.Compose;

/// <summary>
/// Where the services of a compose file are when they run as processes of this machine: hosts become ports of the loopback address, or addresses
/// of a network that the test has made, and paths in containers those of folders. What it finds no place for is a mistake in the file.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="volumes">The folder for its volumes.</param>
/// <param name="repository">The repository in place of the file's; null for that one.</param>
/// <param name="network">The network; null for the loopback address.</param>
internal sealed partial class ComposeHost(ComposeFile file, string volumes, string? repository, NetworkHosts? network)
{
    private const string SiloPort = "Orleans__Endpoints__SiloPort", GatewayPort = "Orleans__Endpoints__GatewayPort";

    // Containers find out their addresses, which are their only ones.
    private const string AdvertisedAddress = "Orleans__Endpoints__AdvertisedIPAddress";

    private static readonly string[] Sections = ["Orleans__Clustering__", "Orleans__GrainStorage__inference__", "Orleans__Reminders__", "Inference__"];
    private static readonly string[] Settings = ["Orleans__ClusterId", "Orleans__ServiceId", SiloPort, GatewayPort];

    private readonly Queue<int> _free = new(FreePort.Take(32));
    private readonly Dictionary<(string Service, int Port), int> _ports = [];

    /// <summary>The port at which a port of a service is found: the same one, where the service has an address of its own.</summary>
    public int PortOf(string service, int port)
    {
        if (network?.Find(service) is not null) return port;
        if (!_ports.TryGetValue((service, port), out var found)) _ports[(service, port)] = found = _free.Dequeue();
        return found;
    }

    /// <summary>The variables of a service, and the ports that they name.</summary>
    public ComposeAddresses Translate(string name)
    {
        var service = file.Services[name];
        var variables = service.Environment.ToDictionary(variable => variable.Key, variable => Translate(name, variable.Key, variable.Value));
        var (silo, gateway) = (PortOf(name, ReadPort(service, SiloPort, 11111)), PortOf(name, ReadPort(service, GatewayPort, 30000)));
        variables[AdvertisedAddress] = AddressOf(name);
        variables[SiloPort] = $"{silo}";
        variables[GatewayPort] = $"{gateway}";
        return new(variables, variables["Inference__FrontDoor__Http"], variables["Inference__FrontDoor__Grpc"], silo, gateway);
    }

    /// <summary>A text of a service with the addresses in it as they are on this machine.</summary>
    public string TranslateAddresses(string name, string text) => Address().Replace(text, match =>
    {
        var (host, port) = (match.Groups["host"].Value, int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture));
        if (host is "0.0.0.0" or "localhost") host = name;
        if (!file.Services.ContainsKey(host)) throw new InvalidDataException($"{name}: '{text}' names '{host}', which is no service.");
        return $"{AddressOf(host)}:{PortOf(host, port)}";
    });

    private string AddressOf(string service) => network is null ? "127.0.0.1" : network.Find(service) ?? network.OwnAddress;

    /// <summary>The folder of this machine for a path in a service's container.</summary>
    public string FolderOf(string name, string path)
    {
        foreach (var volume in file.Services[name].Volumes.Select(volume => volume.Split(':')))
        {
            if (volume is not [var source, var target, ..] || (path != target && !path.StartsWith($"{target}/", StringComparison.Ordinal))) continue;
            return FolderOf(source) + path[target.Length..];
        }

        throw new InvalidDataException($"{name}: '{path}' is in none of its volumes.");
    }

    private string FolderOf(string source)
    {
        if (!source.StartsWith('.'))
        {
            if (!file.Volumes.ContainsKey(source)) throw new InvalidDataException($"There is no volume '{source}'.");
            return Directory.CreateDirectory(Path.Combine(volumes, source)).FullName;
        }

        var folder = Path.GetFullPath(Path.Combine(file.Folder, source));
        if (!Directory.Exists(folder)) throw new InvalidDataException($"There is no folder '{source}'.");
        return folder;
    }

    private string Translate(string name, string variable, string value)
    {
        if (!Settings.Contains(variable) && !Sections.Any(section => variable.StartsWith(section, StringComparison.Ordinal)))
            throw new InvalidDataException($"{name}: nobody reads '{variable}'.");
        // A service without folders reads none: it is only told of those that others have.
        if (value.StartsWith('/') && file.Services[name].Volumes.Count > 0)
        {
            var folder = FolderOf(name, value);
            return variable == "Inference__Models" ? repository ?? folder : folder;
        }

        return TranslateAddresses(name, value);
    }

    private static int ReadPort(ComposeService service, string variable, int otherwise) =>
        service.Environment.TryGetValue(variable, out var port) ? int.Parse(port, CultureInfo.InvariantCulture) : otherwise;

    [GeneratedRegex("(?<host>[A-Za-z0-9][A-Za-z0-9._-]*):(?<port>[0-9]+)")]
    private static partial Regex Address();
}

/// <summary>What a service of a compose file is started with as a process.</summary>
internal sealed record ComposeAddresses(IReadOnlyDictionary<string, string> Variables, string Http, string Grpc, int SiloPort, int Gateway);
