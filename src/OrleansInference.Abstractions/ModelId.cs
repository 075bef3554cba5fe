using System.Globalization;

namespace OrleansInference;

/// <summary>One version of a model.</summary>
/// <param name="Name">The model's name: its folder in the repository.</param>
/// <param name="Version">The version: 1 or more, the name of the folder within.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelId")]
public readonly record struct ModelId([property: Id(0)] string Name, [property: Id(1)] int Version)
{
    /// <summary><c>name@version</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}@{Version}");
}
