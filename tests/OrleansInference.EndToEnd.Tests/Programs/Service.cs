using System.Net.Sockets;

using Grpc.Net.Client;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs.Compose;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>A program that serves REST and gRPC on ports of its own: the silo, or the front end of a silo elsewhere.</summary>
internal sealed class Service : IAsyncDisposable
{
    private Service(ChildProgram program, string address, string grpc, int gateway, int silo = 0)
    {
        Program = program;
        SiloPort = silo;
        Gateway = gateway;
        Http = new() { BaseAddress = new(address), Timeout = Poll.Limit };
        Api = new(Http);
        Grpc = GrpcChannel.ForAddress(grpc);
    }

    public ChildProgram Program { get; }

    /// <summary>The port over which other silos reach this one; 0 where the program is none.</summary>
    public int SiloPort { get; }

    /// <summary>The port over which other programs reach the silo.</summary>
    public int Gateway { get; }

    public HttpClient Http { get; }

    public InferenceApi Api { get; }

    public GrpcChannel Grpc { get; }

    /// <summary>Starts a silo that serves REST and gRPC itself and waits until no model is being loaded any more.</summary>
    /// <param name="repository">A repository beside the bundled one.</param>
    /// <param name="options">Further settings, as on the command line.</param>
    public static async Task<Service> StartSiloAsync(string? repository = null, params IEnumerable<string> options)
    {
        var ports = FreePort.Take(4);
        string address = Address(ports[2]), grpc = Address(ports[3]);
        string[] models = repository is null
            ? [$"--Inference:Models={Samples.Repository}"]
            : [$"--Inference:Models:0={Samples.Repository}", $"--Inference:Models:1={repository}"];
        var program = ChildProgram.Start(
            ProgramFiles.Silo, [.. SiloArguments(ports[0], ports[1]), .. FrontDoorArguments(address, grpc), .. models, .. options]);
        var service = new Service(program, address, grpc, ports[1], ports[0]);
        await service.WaitUntilReadyAsync();
        return service;
    }

    /// <summary>Starts a silo that joins another one's cluster, and serves its models through that one's front door alone.</summary>
    /// <param name="other">A silo with a front door.</param>
    /// <param name="name">The silo's name.</param>
    /// <param name="repository">Its repository.</param>
    public static ChildProgram StartSecondSilo(Service other, string name, string repository)
    {
        var ports = FreePort.Take(2);
        return ChildProgram.Start(
            ProgramFiles.Silo,
            [
                .. SiloArguments(ports[0], ports[1], other.SiloPort),
                $"--Inference:SiloName={name}",
                "--Inference:FrontDoor:Enabled=false",
                $"--Inference:Models={repository}",
            ]);
    }

    /// <summary>Starts a front end of the silo behind a gateway, and waits until it serves; not until the silo does.</summary>
    public static async Task<Service> StartFrontEndAsync(int gateway, params IEnumerable<string> options)
    {
        var ports = FreePort.Take(2);
        string address = Address(ports[0]), grpc = Address(ports[1]);
        var program = ChildProgram.Start(
            ProgramFiles.FrontEnd, [$"--Orleans:Clustering:Gateways:0=127.0.0.1:{gateway}", .. FrontDoorArguments(address, grpc), .. options]);
        var service = new Service(program, address, grpc, gateway);
        await service.WaitForAsync("/v2/health/live");
        return service;
    }

    /// <summary>Starts a program with settings in its environment, and waits for nothing.</summary>
    public static Service Start(string program, ComposeAddresses addresses, IEnumerable<string> options) => new(
        ChildProgram.Start(program, addresses.Variables, options), addresses.Http, addresses.Grpc, addresses.Gateway, addresses.SiloPort);

    /// <summary>Makes a silo the first of a cluster of its own, or one more of the cluster whose first has the given port.</summary>
    public static IEnumerable<string> SiloArguments(int silo, int gateway, int? primary = null) =>
    [
        $"--Orleans:Endpoints:SiloPort={silo}",
        $"--Orleans:Endpoints:GatewayPort={gateway}",
        $"--Orleans:Clustering:PrimarySiloEndPoint=127.0.0.1:{primary ?? silo}",
        "--Inference:SiloName=tested",
        "--Inference:Devices:0=cpu:0",
    ];

    public Task WaitUntilReadyAsync() => WaitForAsync("/v2/health/ready");

    /// <summary>Ends the program at once, where it has not ended by itself.</summary>
    public void Discard()
    {
        Http.Dispose();
        Grpc.Dispose();
        Program.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        // Connections that stand open would only be closed at the end of the server's own patience.
        Http.Dispose();
        Grpc.Dispose();
        await Program.StopAsync();
    }

    private static string Address(int port) => $"http://127.0.0.1:{port}";

    private static IEnumerable<string> FrontDoorArguments(string http, string grpc) =>
        [$"--Inference:FrontDoor:Http={http}", $"--Inference:FrontDoor:Grpc={grpc}"];

    private async Task WaitForAsync(string path)
    {
        try
        {
            await Poll.UntilAsync(async () => Program.HasExited || await AnswersAsync(path), $"{path} answers 200");
            if (Program.HasExited) throw new InvalidOperationException($"The program has ended. {Program.Describe()}");
        }
        catch (Exception exception)
        {
            var printed = Program.HasExited ? "" : Program.Describe();
            Program.Dispose();
            throw new InvalidOperationException($"{exception.Message} {printed}", exception);
        }
    }

    private async Task<bool> AnswersAsync(string path)
    {
        try
        {
            using var response = await Http.GetAsync(path);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or SocketException)
        {
            // One that is accepted and closed at once, while the program starts or ends, may come out as the socket's own exception.
            return false;
        }
    }
}
