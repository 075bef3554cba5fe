using System.Globalization;

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Quarantine;

/// <summary>A folder for a silo's data, and models, in which a process after another starts and ends.</summary>
internal sealed class QuarantineFolder : IDisposable, ILogger<ModelQuarantine>
{
    public static readonly Device First = new("silo.cpu:0", DeviceKind.Cpu, 0, 1);
    public static readonly Device Second = new("silo.cpu:1", DeviceKind.Cpu, 1, 1);

    private readonly TemporaryFolder _root = new();

    public string Data => Path.Combine(_root.Path, "data");

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.Parse("2026-01-02T03:04:05Z", CultureInfo.InvariantCulture));

    /// <summary>What was logged.</summary>
    public List<string> Messages { get; } = [];

    /// <summary>Writes a model's file, and says what is in the repository then.</summary>
    public ModelVersion Add(string name, string content = "content")
    {
        const string Tensors = """[{"name":"x","data_type":"TYPE_FP32","dims":[1]}]""";
        _root.Write($"models/{name}/config.json", $$"""{"input": {{Tensors}}, "output": {{Tensors}}}""");
        _root.Write($"models/{name}/1/model.pt", content);
        return Open(name);
    }

    public ModelVersion Open(string name) => ModelFolderReader.Open(Path.Combine(_root.Path, "models", name), 1);

    /// <summary>Starts what a process of that silo has. Disposing it is no end that clears anything.</summary>
    public ModelQuarantine Start(string silo = "silo", string? data = null) =>
        new(new() { Data = data ?? Data, SiloName = silo }, [First, Second], Time, this);

    /// <summary>A process that ends while models are under way, one on each device.</summary>
    public void End(params (ModelVersion Version, RunPhase Phase)[] runs)
    {
        using var quarantine = Start();
        for (var i = 0; i < runs.Length; i++) quarantine.RecordOf(runs[i].Version, i == 0 ? First : Second)!.Enter(runs[i].Phase);
    }

    /// <summary>Why the next process does not load a version; null where it does.</summary>
    public string? Refusal(ModelVersion version)
    {
        using var quarantine = Start();
        return quarantine.FindReason(version);
    }

    public void Dispose() => _root.Dispose();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Messages.Add(formatter(state, exception));
}
