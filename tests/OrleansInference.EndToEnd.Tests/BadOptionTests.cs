using System.Net;
using System.Net.Sockets;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class BadOptionTests
{
    [Theory]
    [InlineData("Inference:Devices", ":0", "gpu:0")]
    [InlineData("Inference:MaxQueueSize", "", "0")]
    [InlineData("Inference:Models", "", "/no/such/folder")]
    [InlineData("Inference:FrontDoor:Http", "", "nonsense")]
    [InlineData("Inference:FrontDoor:Grpc", "", "localhost:8001")]
    [InlineData("Inference:DefaultTimeout", "", "02:00:00")]
    [InlineData("Inference:MaxQueueSize", "", "many")]
    [InlineData("Inference:FrontDoor:Enabled", "", "perhaps")]
    [InlineData("Inference:FrontDoor:Http", "", "http://localhost:99999")]
    [InlineData("Inference:FrontDoor:Grpc", "", "http://localhost:port")]
    [InlineData("Inference:FrontDoor:Http", "", "http://192.0.2.1:8000")]
    public async Task A_setting_that_cannot_be_ends_the_silo_with_a_sentence_that_names_it(string key, string index, string value)
    {
        using var silo = ChildProgram.Start(ProgramFiles.Silo, [.. Isolated(), $"--{key}{index}={value}"]);

        Assert.NotEqual(0, await silo.WaitAsync());
        AssertExplained(silo, key, value);
    }

    [Fact]
    public async Task All_settings_that_cannot_be_are_named_at_once()
    {
        using var silo = ChildProgram.Start(ProgramFiles.Silo, [.. Isolated(), "--Inference:FrontDoor:Http=nonsense", "--Inference:MaxInFlight=-1"]);

        Assert.NotEqual(0, await silo.WaitAsync());
        AssertExplained(silo, "Inference:FrontDoor:Http", "nonsense");
        AssertExplained(silo, "Inference:MaxInFlight", "-1");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://192.0.2.1:8000")]
    public async Task The_front_end_explains_its_settings_likewise_and_does_not_wait_for_a_silo_to_do_so(string address)
    {
        using var frontEnd = ChildProgram.Start(ProgramFiles.FrontEnd, $"--Inference:FrontDoor:Http={address}");

        Assert.NotEqual(0, await frontEnd.WaitAsync());
        AssertExplained(frontEnd, "Inference:FrontDoor:Http", address);
    }

    [Fact]
    public async Task A_number_alone_is_explained_where_a_time_is_meant()
    {
        using var frontEnd = ChildProgram.Start(ProgramFiles.FrontEnd, "--Inference:DefaultTimeout=30");

        Assert.NotEqual(0, await frontEnd.WaitAsync());
        AssertExplained(frontEnd, "Inference:DefaultTimeout", "30");
        Assert.Contains("which are days", frontEnd.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_with_one_dash_ends_both_programs_with_a_sentence()
    {
        foreach (var file in new[] { ProgramFiles.Silo, ProgramFiles.FrontEnd })
        {
            using var program = ChildProgram.Start(file, [.. Isolated(), "-Inference:Models=models"]);

            Assert.NotEqual(0, await program.WaitAsync());
            Assert.Contains("-Inference:Models", program.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", program.Errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Inference:MaxQuueSize")]
    [InlineData("Inference:FrontDoor:Adress")]
    public async Task A_setting_that_does_not_exist_ends_both_programs_with_a_sentence_that_names_it_and_those_that_do(string key)
    {
        foreach (var file in new[] { ProgramFiles.Silo, ProgramFiles.FrontEnd })
        {
            using var program = ChildProgram.Start(file, [.. Isolated(), $"--{key}=8"]);

            Assert.NotEqual(0, await program.WaitAsync());
            Assert.Contains($"{key}: there is no such setting; those of {key[..key.LastIndexOf(':')]} are ", program.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", program.Errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Inference:FrontDoor:Http")]
    [InlineData("Inference:FrontDoor:Grpc")]
    public async Task An_address_that_another_program_has_ends_the_silo_with_a_sentence_that_names_it(string key)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var address = $"http://{other.LocalEndpoint}";
        using var silo = ChildProgram.Start(ProgramFiles.Silo, [.. Isolated(), $"--{key}={address}"]);

        Assert.NotEqual(0, await silo.WaitAsync());
        Assert.Contains(address, silo.Errors, StringComparison.Ordinal);
        Assert.Contains(key, silo.Errors, StringComparison.Ordinal);
    }

    /// <summary>Ports that nobody uses, should the silo start after all.</summary>
    private static IEnumerable<string> Isolated()
    {
        var ports = FreePort.Take(4);
        return
        [
            .. Service.SiloArguments(ports[0], ports[1]),
            $"--Inference:FrontDoor:Http=http://127.0.0.1:{ports[2]}",
            $"--Inference:FrontDoor:Grpc=http://127.0.0.1:{ports[3]}",
        ];
    }

    private static void AssertExplained(ChildProgram program, string key, string value)
    {
        Assert.Contains(
            program.Errors.Split('\n'),
            line => line.Contains(key, StringComparison.Ordinal) && line.Contains($"'{value}'", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", program.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", program.Output, StringComparison.Ordinal);
    }
}
