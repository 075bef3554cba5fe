using System.Net;
using System.Net.Sockets;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

using OrleansInference.Engine;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Mistakes in a program's settings, before it is started.</summary>
public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("Inference:MaxQuueSize", "Inference are Data, DefaultTimeout, DeviceMemoryBudget, Devices, DirectCalls, FrontDoor, LoadModels, MaxInFlight, MaxQueueSize, MaxRowsPerRequest, ModelControlMode, Models, PollInterval")]
    [InlineData("Inference:Http", "Inference are Data, DefaultTimeout")]
    [InlineData("Inference:FrontDoor:Htp", "Inference:FrontDoor are Enabled, Grpc, Http, MaxHeldBytes, MaxInFlightPerCall, MaxRequestBytes")]
    [InlineData("Inference:MaxInFlight:0", "Inference:MaxInFlight is one value")]
    [InlineData("Inference:FrontDoor:Http:Url", "Inference:FrontDoor:Http is one value")]
    public void A_setting_that_does_not_exist_is_named_with_those_that_do(string key, string expected)
    {
        var mistakes = FindUnknown(key, "Inference:MaxInFlight");

        var mistake = Assert.Single(mistakes);
        Assert.StartsWith($"{key}: there is no such setting; ", mistake, StringComparison.Ordinal);
        Assert.Contains(expected, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void All_settings_that_do_not_exist_are_named_at_once() =>
        Assert.Equal(2, FindUnknown("Inference:MaxQuueSize", "Inference:FrontDoor:Htp").Count);

    [Theory]
    [InlineData("Inference:Models")]
    [InlineData("Inference:Models:0")]
    [InlineData("Inference:devices:3")]
    [InlineData("INFERENCE:FRONTDOOR:MAXHELDBYTES")]
    [InlineData("Orleans:ClusterId")]
    [InlineData("InferenceNotes")]
    public void Settings_of_all_programs_in_any_case_and_those_of_others_are_let_be(string key) => Assert.Empty(FindUnknown(key));

    [Fact]
    public void The_settings_of_the_silo_that_every_program_knows_are_those_that_it_has()
    {
        var settings = typeof(EngineOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name);

        Assert.Equal(settings.Order(StringComparer.Ordinal), ConfigurationKeys.OfSilo.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("http://localhost:99999")]
    [InlineData("http://localhost:0")]
    [InlineData("http://localhost:-1")]
    [InlineData("http://127.0.0.1:x")]
    [InlineData("https://[::1]:65536")]
    public void An_address_without_a_possible_port_is_refused_and_shown(string address)
    {
        var result = new ListenAddresses().Validate(null, new() { Grpc = address });

        Assert.Contains($"Inference:FrontDoor:Grpc: '{address}'", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://*:8000")]
    [InlineData("http://+:65535/")]
    [InlineData("http://[::1]:8000")]
    [InlineData("https://0.0.0.0")]
    [InlineData("")]
    public void Addresses_in_all_forms_that_the_server_knows_are_possible(string address)
    {
        Assert.True(new ListenAddresses().Validate(null, new() { Grpc = address }).Succeeded);
        Assert.True(new FrontDoorOptionsValidator().Validate(null, new() { Grpc = address }).Succeeded);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://")]
    [InlineData("://localhost:8000")]
    [InlineData("localhost:8000")]
    [InlineData("ftp://localhost:8000")]
    [InlineData("http://localhost:8000/v2")]
    public void What_is_no_address_is_refused_once(string address)
    {
        Assert.True(new FrontDoorOptionsValidator().Validate(null, new() { Grpc = address }).Failed);
        Assert.True(new ListenAddresses().Validate(null, new() { Grpc = address }).Succeeded);
    }

    [Fact]
    public void One_address_for_REST_and_gRPC_can_be_had_only_once()
    {
        var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var address = $"http://{free.LocalEndpoint}";
        free.Stop();

        var exception = Assert.Throws<OptionsValidationException>(() => ListenAddresses.Try(new() { Http = address, Grpc = address }));

        Assert.Contains($"Inference:FrontDoor:Grpc: '{address}' cannot be served at", Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    private static List<string> FindUnknown(params string[] keys) => [.. ConfigurationKeys.FindUnknown(
        new ConfigurationBuilder().AddInMemoryCollection(keys.Select(key => KeyValuePair.Create<string, string?>(key, "8"))).Build())];
}
