namespace OrleansInference;

/// <summary>What a model is to be loaded with in place of what its repository holds.</summary>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelOverride")]
public sealed record ModelOverride
{
    /// <summary>The model's configuration, as <c>config.json</c> would have it.</summary>
    [Id(0)]
    public required string Configuration { get; init; }

    /// <summary>The model's files; where there are none, those of its repository are loaded with the configuration.</summary>
    [Id(1)]
    public IReadOnlyList<ModelFile> Files { get; init; } = [];
}

/// <summary>A file of a model.</summary>
/// <param name="Path">Where it lies in the model's folder, such as <c>1/model.pt</c>.</param>
/// <param name="Content">Its bytes.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelFile")]
public sealed record ModelFile([property: Id(0)] string Path, [property: Id(1)] byte[] Content);
