using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

using OrleansInference.Engine.Devices;

namespace OrleansInference.Engine.Tests;

public sealed class EngineOptionsTests : IDisposable
{
    private readonly TemporaryFolder _models = new();

    public void Dispose() => _models.Dispose();

    [Fact]
    public void One_folder_is_given_as_a_value_and_several_as_a_list()
    {
        Assert.Equal([_models.Path], Read(("Models", _models.Path)).Models);
        Assert.Equal([_models.Path, Path.GetTempPath()], Read(("Models:0", _models.Path), ("Models:1", Path.GetTempPath())).Models);
    }

    [Fact]
    public void The_threads_of_a_device_may_be_set()
    {
        var options = Read(("Models", _models.Path), ("Devices:0", "cpu:0"), ("ThreadsPerDevice", "3"));

        Assert.Equal(3, Assert.Single(DeviceDiscovery.Find(options)).Threads);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1025")]
    public void A_number_of_threads_that_cannot_be_is_refused(string threads)
    {
        var refusal = Assert.Throws<OptionsValidationException>(() => Read(("Models", _models.Path), ("ThreadsPerDevice", threads)));

        Assert.Contains(refusal.Failures, failure => failure.Contains("ThreadsPerDevice", StringComparison.Ordinal));
    }

    [Fact]
    public void Devices_share_the_cores_and_carry_the_silos_name()
    {
        var options = Read(("Models", _models.Path), ("SiloName", "node1"), ("Devices:0", "cpu:0"), ("Devices:1", "cpu:1"));

        var devices = DeviceDiscovery.Find(options);

        Assert.Equal(["node1.cpu:0", "node1.cpu:1"], devices.Select(device => device.Name));
        Assert.All(devices, device => Assert.Equal(Math.Max(1, (Environment.ProcessorCount - 1) / 2), device.Threads));
    }

    [Theory]
    [InlineData("Models", "/no/such/folder", "/no/such/folder")]
    [InlineData("Devices:0", "gpu:0", "'gpu:0'")]
    [InlineData("Devices:0", "cpu", "'cpu'")]
    [InlineData("Devices:0", "cpu:00", "'cpu:00'")]
    [InlineData("MaxQueueSize", "0", "MaxQueueSize")]
    [InlineData("SiloName", "a/b", "SiloName")]
    [InlineData("VerificationTimeout", "00:00:00", "VerificationTimeout")]
    [InlineData("VerificationMemory", "-1", "VerificationMemory")]
    [InlineData("Data", "", "Data")]
    public void A_bad_value_is_named(string key, string value, string expected)
    {
        var exception = Assert.Throws<OptionsValidationException>(() => Read(("Models", _models.Path), (key, value)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gpu_that_does_not_exist_is_named()
    {
        var options = Read(("Models", _models.Path), ("Devices:0", "cuda:999"));

        var exception = Assert.Throws<OptionsValidationException>(() => DeviceDiscovery.Find(options));

        Assert.Contains("'cuda:999' does not exist", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_bad_values_are_named_at_once()
    {
        var exception = Assert.Throws<OptionsValidationException>(() =>
            Read(("Models", _models.Path), ("Devices:0", "tpu:1"), ("Devices:1", "cpu:0"), ("Devices:2", "cpu:0"), ("MaxQueueSize", "-1")));

        Assert.Equal(3, exception.Failures.Count());
    }

    private static EngineOptions Read(params (string Key, string Value)[] settings) => EngineOptions.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.GroupBy(setting => setting.Key).ToDictionary(
            group => $"Inference:{group.Key}", string? (group) => group.Last().Value))
        .Build());
}
