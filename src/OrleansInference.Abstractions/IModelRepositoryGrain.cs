namespace OrleansInference;

/// <summary>The model repository as one silo reads it; the key is the name of any of that silo's devices.</summary>
[Alias("OrleansInference.IModelRepositoryGrain")]
public interface IModelRepositoryGrain : IGrainWithStringKey
{
    /// <summary>Reads a model's folder again, and returns when the catalog knows what is in it.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="content">What the model is to be loaded with in place of its folder; null for the folder.</param>
    /// <returns>
    /// The versions in the folder; none where there is no such folder. One that cannot be served replaces nothing that could be.
    /// </returns>
    [Alias("Refresh")]
    [ResponseTimeout(GrainTimeouts.Loading)]
    Task<IReadOnlyList<ModelPublication>> RefreshAsync(string model, ModelOverride? content);
}
