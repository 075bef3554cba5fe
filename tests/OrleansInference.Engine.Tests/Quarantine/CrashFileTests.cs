using OrleansInference.Engine.Quarantine;

namespace OrleansInference.Engine.Tests.Quarantine;

public sealed class CrashFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_again()
    {
        var file = new CrashFile(Path.Combine(_folder.Path, "crashes.json"));
        file.Add(Subject(1), End(RunPhase.FirstRun));
        file.Add(Subject(2), End(RunPhase.LaterRun));
        file.Write();

        var other = new CrashFile(Path.Combine(_folder.Path, "crashes.json"));
        other.Read();

        Assert.Equivalent(file.Records, other.Records, strict: true);
        Assert.Equal(["crashes.json"], Directory.EnumerateFiles(_folder.Path).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_that_is_not_in_quarantine_is_forgotten()
    {
        var file = new CrashFile(Path.Combine(_folder.Path, "crashes.json"));
        file.Add(Subject(0), End(RunPhase.Load));
        for (var number = 1; number <= CrashFile.MaxRecords; number++) file.Add(Subject(number), End(RunPhase.LaterRun));

        Assert.Equal(CrashFile.MaxRecords, file.Records.Count);
        Assert.NotNull(file.Find(Subject(0)));
        Assert.Null(file.Find(Subject(1)));
        Assert.NotNull(file.Find(Subject(2)));
    }

    [Fact]
    public void Of_those_in_quarantine_the_oldest_is_forgotten_where_there_are_no_others()
    {
        var file = new CrashFile(Path.Combine(_folder.Path, "crashes.json"));
        for (var number = 0; number <= CrashFile.MaxRecords; number++) file.Add(Subject(number), End(RunPhase.Load));

        Assert.Equal(CrashFile.MaxRecords, file.Records.Count);
        Assert.Null(file.Find(Subject(0)));
    }

    [Fact]
    public void Of_many_ends_those_that_can_count_are_kept()
    {
        var record = new CrashRecord("model", 1, "");
        for (var i = 0; i < 1000; i++) record = record.Add(End(RunPhase.LaterRun));

        Assert.Equal((1000, CrashRecord.EnoughWeight), (record.Count, record.Ends.Count));
    }

    private static RunSubject Subject(int number) => new($"model{number}", 1, "revision");

    private static CrashEnd End(RunPhase phase) => new(DateTimeOffset.UnixEpoch, phase, Alone: true);
}
