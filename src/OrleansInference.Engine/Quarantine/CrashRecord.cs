using System.Text.Json.Serialization;

namespace OrleansInference.Engine.Quarantine;

/// <summary>How often the process has ended while a content of a version was loaded or ran.</summary>
internal sealed record CrashRecord(string Model, int Version, string Revision)
{
    /// <summary>How many ends are enough where none of them is a reason by itself.</summary>
    public const int EnoughWeight = 3;

    /// <summary>How long an end counts.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    public int Count { get; init; }

    public bool IsQuarantined { get; init; }

    /// <summary>The ends that count, the last one last.</summary>
    public IReadOnlyList<CrashEnd> Ends { get; init; } = [];

    [JsonIgnore]
    public RunSubject Subject => new(Model, Version, Revision);

    /// <summary>Adds an end, and forgets those that count no more.</summary>
    public CrashRecord Add(CrashEnd end)
    {
        CrashEnd[] ends = [.. Ends.Where(other => end.Time - other.Time < Window).TakeLast(EnoughWeight - 1), end];
        return this with { Count = Count + 1, Ends = ends, IsQuarantined = IsQuarantined || ends.Sum(other => other.Weight) >= EnoughWeight };
    }
}

/// <summary>An end of the process, as its successor has found it.</summary>
internal sealed record CrashEnd(DateTimeOffset Time, RunPhase Phase, bool Alone)
{
    /// <summary>
    /// A model that never ran before is reason enough, where it was the only one under way. One that runs may just have been there when the
    /// process was killed, and one that shares an end may not be the one that caused it.
    /// </summary>
    [JsonIgnore]
    public int Weight => Phase == RunPhase.LaterRun ? 1 : Alone ? CrashRecord.EnoughWeight : CrashRecord.EnoughWeight - 1;
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(List<CrashRecord>))]
internal sealed partial class CrashRecordContext : JsonSerializerContext;
