using System.Text.Json;

namespace OrleansInference.Engine.Quarantine;

/// <summary>The crash records of a silo, in a file that is replaced as a whole.</summary>
internal sealed class CrashFile(string path)
{
    /// <summary>More are not kept; the oldest go, and of those first the ones that are not in quarantine.</summary>
    public const int MaxRecords = 256;

    private List<CrashRecord> _records = [];

    public IReadOnlyList<CrashRecord> Records => _records;

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    /// <exception cref="JsonException">It is not what was written.</exception>
    public void Read()
    {
        if (!File.Exists(path)) return;
        using var file = File.OpenRead(path);
        _records = JsonSerializer.Deserialize(file, CrashRecordContext.Default.ListCrashRecord) ?? [];
    }

    public CrashRecord? Find(RunSubject subject) => _records.Find(record => record.Subject == subject);

    public void Add(RunSubject subject, CrashEnd end)
    {
        var record = (Find(subject) ?? new(subject.Model, subject.Version, subject.Revision)).Add(end);
        Remove(subject);
        _records.Add(record);
        if (_records.Count <= MaxRecords) return;
        // The last one is the newest.
        _records.RemoveAt(Math.Max(0, _records.FindIndex(other => !other.IsQuarantined)));
    }

    /// <returns>Whether it was there.</returns>
    public bool Remove(RunSubject subject) => _records.RemoveAll(record => record.Subject == subject) > 0;

    /// <exception cref="IOException">The file cannot be written; the one that was there stays.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be written.</exception>
    public void Write()
    {
        var next = path + ".new";
        using (var file = File.Create(next))
        {
            JsonSerializer.Serialize(file, _records, CrashRecordContext.Default.ListCrashRecord);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }
}
