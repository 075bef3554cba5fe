using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

using Microsoft.Extensions.Logging;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Quarantine;

/// <summary>
/// Keeps a model that has ended the process, which no exception handler sees, from ending the next one too: what is loaded or runs is on
/// record in <see cref="EngineOptions.Data"/> while it lasts, and what the last process has left there tells what ended it.
/// </summary>
/// <remarks>Without a folder that can be written, or beside another silo of the same name, nothing is on record and nothing is refused.</remarks>
internal sealed class ModelQuarantine : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CrashFile _crashes;
    private readonly Dictionary<string, int> _slotOf;
    private readonly RunSlots? _slots;
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly ILogger<ModelQuarantine> _logger;

    public ModelQuarantine(EngineOptions options, IReadOnlyList<Device> devices, TimeProvider time, ILogger<ModelQuarantine> logger)
    {
        _logger = logger;
        _slotOf = devices.Select((device, index) => (device.Name, index)).ToDictionary(item => item.Name, item => item.index);
        _crashes = new(Path.Combine(options.Data, $"{options.SiloName}.crashes.json"));
        try
        {
            Directory.CreateDirectory(options.Data);
            _slots = RunSlots.Open(Path.Combine(options.Data, $"{options.SiloName}.running"), 2 * devices.Count);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.QuarantineOff(logger, options.Data, exception.Message);
            return;
        }

        Read();
        TakeIn(_slots.Left, time.GetUtcNow());
        _slots.Clear();
        foreach (var signal in new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT })
            _signals.Add(PosixSignalRegistration.Create(signal, _ => _slots.SetStopping()));
    }

    /// <summary>
    /// Where a model on a device says what it does; null where nothing is on record. While one is loaded another one may run, so that
    /// there is a place for each.
    /// </summary>
    public RunRecord? RecordOf(ModelVersion version, Device device, bool isLoading = false)
    {
        if (_slots is null) return null;
        var record = new RunRecord(_slots, _slotOf[device.Name] + (isLoading ? _slotOf.Count : 0), SubjectOf(version));
        return record.Fits ? record : null;
    }

    /// <summary>Why a version must not be loaded; null where it may.</summary>
    public string? FindReason(ModelVersion version)
    {
        CrashRecord? record;
        lock (_gate) record = _crashes.Find(SubjectOf(version));
        if (record is not { IsQuarantined: true, Ends: [.., var last] }) return null;
        var often = record.Count == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{record.Count} times");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"the model is in quarantine: the process has ended {often} with it, last before {last.Time:u} while it {Describe(last.Phase)}; " +
            $"it is loaded again when its files change, or when that is asked for through the API");
    }

    /// <summary>Lets a version be loaded again.</summary>
    public void Release(ModelVersion version)
    {
        lock (_gate)
        {
            if (_crashes.Remove(SubjectOf(version))) Write();
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
        _slots?.Dispose();
    }

    private static RunSubject SubjectOf(ModelVersion version) => new(version.Id.Name, version.Id.Version, version.Revision);

    private static string Describe(RunPhase phase) => phase switch
    {
        RunPhase.Load => "was being loaded",
        RunPhase.FirstRun => "ran for the first time",
        _ => "ran",
    };

    private void TakeIn(IReadOnlyList<(RunPhase Phase, RunSubject Subject)> left, DateTimeOffset now)
    {
        // On several devices the same model is still one.
        var subjects = left.GroupBy(run => run.Subject, run => run.Phase).ToList();
        foreach (var subject in subjects)
        {
            var phase = subject.Min();
            Log.ProcessEnded(_logger, new(subject.Key.Model, subject.Key.Version), Describe(phase));
            _crashes.Add(subject.Key, new(now, phase, subjects.Count == 1));
        }

        if (left.Count > 0) Write();
    }

    private void Read()
    {
        try
        {
            _crashes.Read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.CrashesUnreadable(_logger, exception.Message);
        }
    }

    private void Write()
    {
        try
        {
            _crashes.Write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It holds in this process all the same.
            Log.CrashesUnwritten(_logger, exception.Message);
        }
    }
}
