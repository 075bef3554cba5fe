using Orleans.Concurrency;

namespace OrleansInference;

/// <summary>One silo's part in the cluster: its model repository, and whether it takes models. The key is the name of any of its devices.</summary>
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

    /// <summary>Sets whether the silo is about to leave (<see cref="SiloReport.IsDraining"/>), and returns when the catalog knows.</summary>
    [Alias("SetDraining")]
    [AlwaysInterleave] // A silo must be able to leave while its repository takes in a large model.
    Task SetDrainingAsync(bool isDraining);
}
