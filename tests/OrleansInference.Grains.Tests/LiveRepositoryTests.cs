using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

/// <summary>What happens by itself when the files of a repository change.</summary>
public sealed class LiveRepositoryTests
{
    private static readonly InferenceRequest Request = new()
    {
        Model = "numbers",
        Inputs = [InferenceTensor.Create("x", new[] { 1f, 2 }, 1, 2)],
    };

    [Fact]
    public async Task A_model_that_is_added_is_loaded_on_every_device()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        cluster.Repository.Add("added");

        await cluster.WaitAsync(all => all.Count(entry => entry.Id.Name == "added" && entry.Instances.Count(IsReady) == 2) == 1);
        await cluster.AssertEchoesAsync(Request with { Model = "added" });
    }

    [Fact]
    public async Task A_new_version_is_loaded_and_then_the_old_one_leaves()
    {
        await using var cluster = await InferenceCluster.StartAsync(silos: 2);

        cluster.Repository.Add("numbers", version: 2);

        await cluster.WaitAsync(all => all.Where(entry => entry.Id.Name == "numbers").ToList() is [{ Id.Version: 2 } entry] && entry.Instances.Count(IsReady) == 2);
        Assert.Equal(2, (await cluster.Client.InferAsync(Request)).Model.Version);
        Assert.Equal(2, cluster.Models.Unloaded.Count(instance => instance.Model.Version == 1));
    }

    [Fact]
    public async Task A_new_version_that_cannot_be_loaded_says_why_and_the_old_one_answers()
    {
        var models = new ScriptedModels
        {
            OnLoad = instance => instance.Model.Version == 2 ? throw new InferenceException(InferenceError.NotReady, "the file is damaged") : Task.CompletedTask,
        };
        await using var cluster = await InferenceCluster.StartAsync(models: models);

        cluster.Repository.Add("numbers", version: 2);

        var all = await cluster.WaitAsync(all => all.Any(entry => entry.Id == new ModelId("numbers", 2) && entry.State == ModelState.Unavailable));
        Assert.Equal("the file is damaged", all.Single(entry => entry.Id == new ModelId("numbers", 2)).Reason);
        Assert.Equal(1, (await cluster.Client.InferAsync(Request)).Model.Version);
        Assert.Empty(models.Unloaded);
    }

    [Fact]
    public async Task A_file_that_has_changed_is_loaded_again_once()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var before = cluster.Models.Loaded.Count;

        cluster.Repository.Change("numbers");
        await cluster.Models.UnloadedAsync();

        Assert.Equal(before + 1, cluster.Models.Loaded.Count);
        await cluster.AssertEchoesAsync(Request);
    }

    [Fact]
    public async Task A_model_whose_folder_is_removed_is_unloaded_and_forgotten()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        cluster.Repository.Remove("numbers");

        await cluster.WaitAsync(all => all.All(entry => entry.Id.Name != "numbers"));
        await cluster.Models.UnloadedAsync();
        Assert.Equal(InferenceError.NotFound, (await Assert.ThrowsAsync<InferenceException>(() => cluster.Client.InferAsync(Request))).Error);
    }

    [Fact]
    public async Task A_configuration_that_is_damaged_is_told_and_changes_nothing()
    {
        await using var cluster = await InferenceCluster.StartAsync();

        cluster.Repository.Configure("numbers", "{");

        var all = await cluster.WaitAsync(all => all.Any(entry => entry.Id.Name == "numbers" && entry.Reason.Contains("config.json", StringComparison.Ordinal)));
        Assert.Equal(ModelState.Ready, all.Single(entry => entry.Id.Name == "numbers").State);
        await cluster.AssertEchoesAsync(Request);
    }

    private static bool IsReady(ModelInstanceStatus instance) => instance.State == ModelState.Ready;
}
