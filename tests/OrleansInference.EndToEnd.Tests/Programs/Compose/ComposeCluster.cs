namespace OrleansInference.EndToEnd.Tests.Programs.Compose;

/// <summary>
/// The services of <c>docker-compose.yml</c> as processes of this machine, with the environment that the file gives them. A test may end
/// each of them in the way it likes, and start it again at the same ports.
/// </summary>
internal sealed class ComposeCluster : IAsyncDisposable
{
    private const int RedisPort = 6379;

    private readonly TemporaryFolder _volumes = new();
    private readonly Dictionary<string, Service> _running = [];
    private readonly Dictionary<string, string> _programs;
    private readonly NetworkHosts? _network;
    private readonly IReadOnlyList<string> _options;
    private readonly ComposeHost _host;
    private readonly string _redisName;
    private RedisServer? _redis;

    private ComposeCluster(string? repository, bool hasNetwork, IEnumerable<string> options)
    {
        File = ComposeFile.Read();
        _options = [.. options];
        _redisName = File.Services.Single(service => service.Value.Image.StartsWith("redis:", StringComparison.Ordinal)).Key;
        _programs = File.Services.Where(service => service.Key != _redisName).ToDictionary(service => service.Key, service => ProgramOf(service.Value));
        Silos = [.. _programs.Where(program => program.Value == ProgramFiles.Silo).Select(program => program.Key).Order(StringComparer.Ordinal)];
        _network = hasNetwork ? NetworkHosts.Create(_programs.Keys) : null;
        _host = new(File, _volumes.Path, repository, _network);
        FrontEndName = _programs.Single(program => program.Value == ProgramFiles.FrontEnd).Key;
    }

    public ComposeFile File { get; }

    public RedisServer Redis => _redis ?? throw new InvalidOperationException("Redis has not been started.");

    /// <summary>The names of the silos, which are those of their services.</summary>
    public IReadOnlyList<string> Silos { get; }

    public string FrontEndName { get; }

    public Service FrontEnd => this[FrontEndName];

    /// <summary>A silo or the front end, as it was last started.</summary>
    public Service this[string name] => _running[name];

    /// <summary>Starts all of it, and waits until every service answers that it is ready. Skips the test where there is no Redis.</summary>
    /// <param name="repository">The repository of all silos, instead of the bundled one.</param>
    /// <param name="hasNetwork">
    /// Whether each service has an address of its own, in a network of the test's (<see cref="NetworkHosts"/>), but for Redis. Skips the test where
    /// there can be no such network.
    /// </param>
    public static async Task<ComposeCluster> StartAsync(string? repository = null, bool hasNetwork = false)
    {
        var cluster = new ComposeCluster(repository, hasNetwork, []);
        try
        {
            await cluster.StartAllAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same, before anything is started.</summary>
    /// <param name="repository">The repository of all silos, instead of the bundled one.</param>
    /// <param name="options">Settings of every program, as on the command line.</param>
    public static ComposeCluster Create(string? repository = null, params IEnumerable<string> options) => new(repository, hasNetwork: false, options);

    /// <summary>Starts all of it, and waits until every service answers that it is ready. Skips the test where there is no Redis.</summary>
    public async Task StartAllAsync()
    {
        await StartRedisAsync();
        // One behind the other: each verifies all models, and all of them at once would only keep the machine from answering.
        foreach (var name in _programs.Keys) await StartAndWaitAsync(name);
    }

    /// <summary>Has a service, when it is started for the next time, run the program of another build.</summary>
    /// <param name="name">The service.</param>
    /// <param name="checkout">The root of another checkout of this repository, which has been built as this one has; null for this one.</param>
    public void UseBuild(string name, string? checkout)
    {
        var program = ProgramOf(File.Services[name]);
        _programs[name] = checkout is null ? program : Path.Combine(checkout, Path.GetRelativePath(File.Folder, program));
    }

    /// <summary>Starts Redis alone. Skips the test where there is none.</summary>
    public async Task StartRedisAsync() => _redis = await RedisServer.StartAsync(
        _host.PortOf(_redisName, RedisPort),
        [.. File.Services[_redisName].Command.Skip(1), .. _network is null ? [] : (string[])["--bind", "127.0.0.1", _network.OwnAddress, "--protected-mode", "no"]]);

    /// <summary>Starts a service that has ended, and waits for nothing.</summary>
    public Service Start(string name)
    {
        if (_running.TryGetValue(name, out var last))
        {
            if (!last.Program.HasExited) throw new InvalidOperationException($"{name} runs.");
            last.Discard();
        }

        var (program, before) = _network?.On(name, _programs[name]) ?? (_programs[name], []);
        return _running[name] = Service.Start(program, _host.Translate(name), [.. before, .. _options]);
    }

    /// <summary>Starts a service that has ended, and waits until it is ready.</summary>
    public async Task<Service> StartAndWaitAsync(string name)
    {
        var service = Start(name);
        await service.WaitUntilReadyAsync();
        return service;
    }

    /// <summary>Asks a service to end, as <c>docker stop</c> does, and waits until it has; it must exit with 0.</summary>
    public Task TerminateAsync(string name) => this[name].Program.StopAsync();

    /// <summary>Asks a service to end, and starts it again when it has.</summary>
    public async Task<Service> RestartAsync(string name)
    {
        await TerminateAsync(name);
        return await StartAndWaitAsync(name);
    }

    /// <summary>Asks a service whether it is well, with the command that its container would.</summary>
    /// <returns>The command's exit code.</returns>
    public async Task<int> ProbeAsync(string name)
    {
        var arguments = File.Services[name].Healthcheck.Test.Skip(2).Select(argument => _host.TranslateAddresses(name, argument));
        using var probe = ChildProgram.Start(_programs[name], arguments);
        return await probe.WaitAsync();
    }

    /// <summary>Ends a service at once.</summary>
    public void Kill(string name) => this[name].Program.Kill();

    /// <summary>Lets a service hang, with its connections open.</summary>
    public void Pause(string name) => this[name].Program.Pause();

    public void Resume(string name) => this[name].Program.Resume();

    /// <summary>Pulls the cable of a service that has an address of its own.</summary>
    public void Cut(string name) => (_network ?? throw new InvalidOperationException("There is no network.")).Cut(name);

    /// <summary>Ends all of it at once; whether programs end well is for tests that ask them to.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var service in _running.Values) service.Discard();
        if (_redis is not null) await _redis.DisposeAsync();
        _network?.Dispose();
        _volumes.Dispose();
    }

    private static string ProgramOf(ComposeService service) => service.Build?.Dockerfile switch
    {
        "silo/Dockerfile" => ProgramFiles.Silo,
        "client/Dockerfile" => ProgramFiles.FrontEnd,
        var other => throw new InvalidDataException($"'{other}' is the Dockerfile of no program."),
    };
}
