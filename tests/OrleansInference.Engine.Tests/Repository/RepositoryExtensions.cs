using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

internal static class RepositoryExtensions
{
    /// <summary>Overrides a model with what nothing speaks against but its folder.</summary>
    public static Task<IReadOnlyList<ModelPublication>> OverrideAsync(this FileModelRepository repository, string model, ModelOverride content) =>
        repository.OverrideAsync(model, content, _ => Task.FromResult<string?>(null));
}
