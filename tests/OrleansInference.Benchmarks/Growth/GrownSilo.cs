using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace OrleansInference.Benchmarks.Growth;

/// <summary>A silo program of its own, with its front door and a repository that is given.</summary>
internal sealed class GrownSilo : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly ChildProgram _program;

    private GrownSilo(ChildProgram program, int port)
    {
        _program = program;
        HttpPort = port;
    }

    public int HttpPort { get; }

    /// <summary>From the start of the program until no model was being loaded any more.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>The time that it has spent on processors so far.</summary>
    public TimeSpan ProcessorTime => _program.ProcessorTime;

    /// <summary>What the process holds in memory now, in bytes.</summary>
    public long ResidentMemory => Process.GetProcessById(_program.Id).WorkingSet64;

    public static async Task<GrownSilo> StartAsync(
        string repository, int devices, IEnumerable<string> settings, Action<int> waiting, CancellationToken cancellationToken)
    {
        var ports = FreePort.Take(4);
        var started = Stopwatch.GetTimestamp();
        var program = ChildProgram.Start(
            ProgramFiles.Silo,
            [
                $"--Orleans:Endpoints:SiloPort={ports[0]}",
                $"--Orleans:Endpoints:GatewayPort={ports[1]}",
                $"--Orleans:Clustering:PrimarySiloEndPoint=127.0.0.1:{ports[0]}",
                $"--Inference:FrontDoor:Http=http://127.0.0.1:{ports[2]}",
                $"--Inference:FrontDoor:Grpc=http://127.0.0.1:{ports[3]}",
                $"--Inference:Models={repository}",
                .. Enumerable.Range(0, devices).Select(index => string.Create(CultureInfo.InvariantCulture, $"--Inference:Devices:{index}=cpu:{index}")),
                .. settings.Select(setting => $"--{setting}"),
            ]);
        var silo = new GrownSilo(program, ports[2]);
        try
        {
            using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{ports[2]}") };
            while (!await IsReadyAsync(http, cancellationToken))
            {
                var waited = Stopwatch.GetElapsedTime(started);
                if ((int)waited.TotalSeconds > (int)silo.StartTime.TotalSeconds) waiting((int)waited.TotalSeconds);
                silo.StartTime = waited;
                if (program.HasExited) throw new InvalidOperationException(program.Describe());
                if (silo.StartTime > StartLimit) throw new TimeoutException($"The silo is not ready after {StartLimit.TotalMinutes:F0} minutes.");
                await Task.Delay(PollInterval, TimeProvider.System, cancellationToken);
            }

            silo.StartTime = Stopwatch.GetElapsedTime(started);
            return silo;
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync() => await _program.StopAsync();

    private static async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync("/v2/health/ready", cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or SocketException)
        {
            return false;
        }
    }
}
