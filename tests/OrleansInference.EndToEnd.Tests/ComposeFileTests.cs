using System.Globalization;
using System.Text.RegularExpressions;

using OrleansInference.EndToEnd.Tests.Programs.Compose;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>Whether <c>docker-compose.yml</c> agrees with itself, with the Dockerfiles and with the programs, where nothing runs.</summary>
public sealed partial class ComposeFileTests
{
    /// <summary>How long a silo may take to end, in seconds.</summary>
    private const int ShutdownTimeout = 45;

    private readonly ComposeFile _file = ComposeFile.Read();

    [Fact]
    public void There_are_three_silos_and_a_front_end_that_share_their_settings_but_for_the_silos_names()
    {
        var silos = Built("silo/Dockerfile");
        var frontEnd = Assert.Single(Built("client/Dockerfile"));

        Assert.Equal(3, silos.Count);
        foreach (var (name, silo) in silos)
        {
            var settings = silo.Environment.ToDictionary();
            Assert.True(settings.Remove("Inference__SiloName", out var siloName));
            Assert.Equal(name, siloName);
            Assert.Equal(frontEnd.Value.Environment.OrderBy(setting => setting.Key), settings.OrderBy(setting => setting.Key));
        }
    }

    [Fact]
    public void Every_service_asks_a_program_that_its_image_has_at_a_port_that_it_serves_and_may_take_its_time_to_end()
    {
        foreach (var (name, service) in Built("silo/Dockerfile").Concat(Built("client/Dockerfile")))
        {
            Assert.Equal("unless-stopped", service.Restart);
            Assert.True(int.Parse(service.StopGracePeriod.TrimEnd('s'), CultureInfo.InvariantCulture) > ShutdownTimeout);
            Assert.True(Directory.Exists(Path.Combine(_file.Folder, service.Build!.Context)));
            var dockerfile = File.ReadAllText(Path.Combine(_file.Folder, service.Build.Dockerfile));
            var (command, served) = (service.Healthcheck.Test, PortsOf(service));
            Assert.Equal($"ENTRYPOINT [\"{command[1]}\"]", Entrypoint().Match(dockerfile).Value);
            Assert.Contains(new Uri(command[^1]).Port, served);
            Assert.Equal(served.Order(), service.Ports.Select(port => int.Parse(port.Split(':')[^1], CultureInfo.InvariantCulture)).Order());
            var exposed = Exposed().Match(dockerfile).Groups["port"].Captures.Select(capture => int.Parse(capture.Value, CultureInfo.InvariantCulture));
            Assert.All(served, port => Assert.Contains(port, exposed));
            Assert.All(service.DependsOn, other => Assert.NotEmpty(_file.Services[other.Key].Healthcheck.Test));
            Assert.DoesNotContain(name, service.DependsOn.Keys);
        }
    }

    [Fact]
    public void No_port_of_the_machine_is_given_to_two_services_or_to_other_machines()
    {
        var ports = _file.Services.Values.SelectMany(service => service.Ports).Select(port => port[..port.LastIndexOf(':')]).ToList();

        Assert.Equal(ports.Distinct(), ports);
        Assert.All(ports, port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_volume_is_used_and_Redis_keeps_what_it_is_told_in_one()
    {
        var used = _file.Services.Values.SelectMany(service => service.Volumes).Select(volume => volume.Split(':')[0]).ToHashSet();

        Assert.All(_file.Volumes.Keys, volume => Assert.Contains(volume, used));
        var redis = _file.Services.Values.Single(service => service.Image.StartsWith("redis:", StringComparison.Ordinal));
        Assert.Equal(["redis-server", "--appendonly", "yes"], redis.Command);
        Assert.Contains(redis.Volumes, volume => volume.EndsWith(":/data", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Orleans__Clustring__ProviderType", "Redis")]
    [InlineData("Orleans__GrainStorage__other__ProviderType", "Redis")]
    [InlineData("Orleans__Clustering__ConnectionString", "radis:6379")]
    [InlineData("Inference__Models", "/nowhere")]
    [InlineData("PATH", "/bin")]
    public void A_setting_that_leads_nowhere_is_noticed(string variable, string value)
    {
        _file.Services["silo1"].Environment[variable] = value;
        using var volumes = new TemporaryFolder();
        var host = new ComposeHost(_file, volumes.Path, repository: null, network: null);

        Assert.Throws<InvalidDataException>(() => host.Translate("silo1"));
    }

    private List<KeyValuePair<string, ComposeService>> Built(string dockerfile) =>
        [.. _file.Services.Where(service => service.Value.Build?.Dockerfile == dockerfile)];

    private static List<int> PortsOf(ComposeService service) =>
    [
        .. service.Environment.Where(variable => variable.Key.StartsWith("Inference__FrontDoor__", StringComparison.Ordinal))
            .Select(variable => new Uri(variable.Value).Port),
    ];

    [GeneratedRegex("^ENTRYPOINT .*$", RegexOptions.Multiline)]
    private static partial Regex Entrypoint();

    [GeneratedRegex("^EXPOSE(?: (?<port>[0-9]+))+$", RegexOptions.Multiline)]
    private static partial Regex Exposed();
}
