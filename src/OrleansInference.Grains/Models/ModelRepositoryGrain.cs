using OrleansInference.Engine;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Models;

/// <summary>Lets the catalog have this silo's repository read again, and have the silo take models or not.</summary>
[OnDeviceSilo] // The key is a device of the silo that is meant.
internal sealed class ModelRepositoryGrain(IModelRepository repository, IInferenceEngine engine, SiloReporter reporter) : Grain, IModelRepositoryGrain
{
    public async Task<IReadOnlyList<ModelPublication>> RefreshAsync(string model, ModelOverride? content)
    {
        // Folders may lie on a share that is slow to answer, and grain turns must not block.
        var found = await Task.Run(() =>
            content is null ? Task.FromResult(repository.Refresh(model)) : repository.OverrideAsync(model, content, engine.VerifyAsync));
        // Whoever asks for a model has a reason to try it once more, though it may have ended the process.
        foreach (var version in found.Select(publication => repository.Find(publication.Id)).OfType<ModelVersion>()) engine.Release(version);
        await reporter.ReportAsync();
        return found;
    }

    public Task SetDrainingAsync(bool isDraining)
    {
        reporter.IsDraining = isDraining;
        return reporter.ReportAsync();
    }
}
