using System.Text.Json;

using OrleansInference.Benchmarks.Models;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>The servers that are compared, each a process of its own. All stand ready throughout, and one at a time has work.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly Dictionary<Server, (ChildProgram[] Programs, int Http, int Grpc)> _servers = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orleans-inference-");
    private readonly HttpClient _http = new();

    private readonly string[] _settings;

    private Fleet(string[] settings) => _settings = settings;

    public string Repository => _folder.FullName;

    public static async Task<Fleet> StartAsync(string[] settings, params IEnumerable<Server> servers)
    {
        var fleet = new Fleet(settings);
        foreach (var model in BenchmarkModel.All) model.Write(fleet.Repository);
        foreach (var server in servers)
        {
            fleet._servers[server] = server switch
            {
                Server.Bare => StartSelf("serve-bare"),
                Server.Rival => StartSelf("serve-rival", BenchmarkModel.Mlp.FileIn(fleet.Repository)),
                Server.Ours => fleet.StartSilo(),
                _ => fleet.StartApart(),
            };
        }

        foreach (var server in fleet._servers.Keys) await fleet.WaitAsync(server);
        return fleet;
    }

    public int HttpPort(Server server) => _servers[server].Http;

    public int GrpcPort(Server server) => _servers[server].Grpc;

    /// <summary>The processor time of all the server's processes.</summary>
    public TimeSpan ProcessorTime(Server server) =>
        _servers[server].Programs.Aggregate(TimeSpan.Zero, (sum, program) => sum + program.ProcessorTime);

    /// <summary>The process that callers talk to.</summary>
    public int ProcessId(Server server) => _servers[server].Programs[0].Id;

    /// <summary>The rows that a model of ours has run, and in how many passes.</summary>
    public async Task<(long Rows, long Passes)> GetPassesAsync(Server server, BenchmarkModel model)
    {
        if (server is Server.Bare or Server.Rival) return default;
        using var stats = JsonDocument.Parse(await _http.GetStringAsync($"http://localhost:{HttpPort(server)}/v2/models/{model.Name}/stats"));
        var only = stats.RootElement.GetProperty("model_stats")[0];
        return (only.GetProperty("inference_count").GetInt64(), only.GetProperty("execution_count").GetInt64());
    }

    /// <summary>Runs this program with other arguments, to its end.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunSelfAsync(params IEnumerable<string> arguments)
    {
        using var program = ChildProgram.Start(Environment.ProcessPath!, arguments);
        return await program.WaitAsync() == 0 ? program.Output : throw new InvalidOperationException(program.Describe());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var program in _servers.Values.SelectMany(server => server.Programs)) await program.StopAsync();
        _folder.Delete(recursive: true);
    }

    private static (ChildProgram[] Programs, int Http, int Grpc) StartSelf(string command, params IEnumerable<string> arguments)
    {
        var port = FreePort.Take(1)[0];
        return ([ChildProgram.Start(Environment.ProcessPath!, [command, $"http://127.0.0.1:{port}", .. arguments])], port, 0);
    }

    private (ChildProgram[] Programs, int Http, int Grpc) StartSilo()
    {
        var ports = FreePort.Take(4);
        return ([ChildProgram.Start(ProgramFiles.Silo, [.. SiloArguments(ports), .. FrontDoorArguments(ports[2..])])], ports[2], ports[3]);
    }

    private (ChildProgram[] Programs, int Http, int Grpc) StartApart()
    {
        var ports = FreePort.Take(4);
        var silo = ChildProgram.Start(ProgramFiles.Silo, [.. SiloArguments(ports), "--Inference:FrontDoor:Enabled=false"]);
        var frontEnd = ChildProgram.Start(
            ProgramFiles.FrontEnd, [$"--Orleans:Clustering:Gateways:0=127.0.0.1:{ports[1]}", .. FrontDoorArguments(ports[2..])]);
        return ([frontEnd, silo], ports[2], ports[3]);
    }

    private IEnumerable<string> SiloArguments(int[] ports) =>
    [
        $"--Orleans:Endpoints:SiloPort={ports[0]}",
        $"--Orleans:Endpoints:GatewayPort={ports[1]}",
        $"--Orleans:Clustering:PrimarySiloEndPoint=127.0.0.1:{ports[0]}",
        $"--Inference:Models={Repository}",
        .. _settings.Select(setting => $"--{setting}"),
    ];

    private static IEnumerable<string> FrontDoorArguments(int[] ports) =>
        [$"--Inference:FrontDoor:Http=http://127.0.0.1:{ports[0]}", $"--Inference:FrontDoor:Grpc=http://127.0.0.1:{ports[1]}"];

    private Task WaitAsync(Server server) => Poll.UntilAsync(
        async () =>
        {
            if (_servers[server].Programs.FirstOrDefault(program => program.HasExited) is { } ended) throw new InvalidOperationException(ended.Describe());
            try
            {
                using var response = await _http.GetAsync($"http://localhost:{HttpPort(server)}/v2/health/ready");
                // Those that are no model servers have no such route, and no models to wait for.
                return response.IsSuccessStatusCode || server is Server.Bare or Server.Rival;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        $"{server} is ready");
}
