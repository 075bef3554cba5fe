namespace OrleansInference.Engine.Repository.Triton;

/// <summary>A field of Triton's configuration: its type, and what becomes of it where this server has no use for it.</summary>
internal sealed record TritonField(TritonType Type)
{
    /// <summary>Whether it is a list.</summary>
    public bool IsRepeated { get; init; }

    /// <summary>The type of the keys of a map, whose values are of <see cref="Type"/>; null where it is none.</summary>
    public TritonType? Key { get; init; }

    /// <summary>The fields of a message.</summary>
    public IReadOnlyDictionary<string, TritonField> Fields { get; init; } = new Dictionary<string, TritonField>();

    /// <summary>The words of an enumeration, by their numbers.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Why a model that says so cannot be served as it is meant; null where it can.</summary>
    public string? Refusal { get; init; }

    /// <summary>Whether it is without effect here, and the answers are the same without it.</summary>
    public bool IsIdle { get; init; }

    public TritonField Refused(string why) => this with { Refusal = why };

    public TritonField Idle() => this with { IsIdle = true };

    public TritonField List() => this with { IsRepeated = true };

    public TritonField Map(TritonType key = TritonType.Text) => this with { Key = key };
}

/// <summary>The types that fields of Triton's configuration have.</summary>
internal enum TritonType
{
    Text,
    Integer,
    Flag,

    /// <summary>One of some words.</summary>
    Word,

    Message,

    /// <summary>A message whose fields nobody here reads.</summary>
    Anything,
}
