using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class ModelOverridesTests : IDisposable
{
    private const string Config = PlainConfig.Text;

    private static readonly string Other = $"{{\"min_instances\": 7, {Config.Trim()[1..]}";

    private readonly TemporaryFolder _root = new();
    private readonly FileModelRepository _repository;

    public ModelOverridesTests()
    {
        _root.Write("model/config.json", Config);
        _root.Write("model/1/model.pt", "original");
        _root.Write("model/labels.txt", "a");
        _repository = new([_root.Path]);
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task A_configuration_takes_the_place_of_the_models_own_and_its_files_stay()
    {
        var found = await _repository.OverrideAsync("model", new() { Configuration = Other });

        Assert.Equal("", Assert.Single(found).Reason);
        var version = _repository.Find(new("model", 1))!;
        Assert.Equal(7, version.Config.MinInstances);
        Assert.Equal("original", System.IO.File.ReadAllText(version.ModelPath));
        Assert.Equal(Config, System.IO.File.ReadAllText(Path.Combine(_root.Path, "model", "config.json")));
        Assert.False(_repository.Scan());
    }

    [Fact]
    public async Task Files_take_the_place_of_the_models_own_versions()
    {
        await _repository.OverrideAsync("model", new() { Configuration = Config, Files = [File("5/model.pt", "new"), File("5/more/weights.bin", "w")] });

        Assert.Equal([new("model", 5)], _repository.Publications.Select(publication => publication.Id));
        var version = _repository.Find(new("model", 5))!;
        Assert.Equal("new", System.IO.File.ReadAllText(version.ModelPath));
        Assert.True(System.IO.File.Exists(Path.Combine(version.ModelFolder, "labels.txt")));
        Assert.True(System.IO.File.Exists(Path.Combine(_root.Path, "model", "1", "model.pt")));
    }

    [Fact]
    public async Task A_model_that_no_repository_has_is_one_by_its_files()
    {
        await _repository.OverrideAsync("another", new() { Configuration = Config, Files = [File("1/model.pt", "new")] });

        Assert.NotNull(_repository.Find(new("another", 1)));
        // There is nothing else to go back to.
        Assert.Single(_repository.Refresh("another"));
        Assert.False(_repository.Scan());
        Assert.NotNull(new FileModelRepository([_root.Path]).Find(new("another", 1)));
    }

    [Fact]
    public async Task Reading_the_model_without_an_override_goes_back_to_its_folder()
    {
        await _repository.OverrideAsync("model", new() { Configuration = Other });

        _repository.Refresh("model");

        Assert.Equal(0, _repository.Find(new("model", 1))!.Config.MinInstances);
        Assert.Equal(0, new FileModelRepository([_root.Path]).Find(new("model", 1))!.Config.MinInstances);
    }

    [Fact]
    public async Task An_override_outlives_the_process()
    {
        await _repository.OverrideAsync("model", new() { Configuration = Other });

        Assert.Equal(7, new FileModelRepository([_root.Path]).Find(new("model", 1))!.Config.MinInstances);
    }

    [Fact]
    public async Task What_an_override_links_to_is_looked_at_for_changes()
    {
        await _repository.OverrideAsync("model", new() { Configuration = Other });

        _root.Write("model/1/model.pt", "another one");

        Assert.True(_repository.Scan());
    }

    [Fact]
    public async Task The_same_override_changes_nothing()
    {
        ModelOverride content = new() { Configuration = Other, Files = [File("5/model.pt", "new")] };
        await _repository.OverrideAsync("model", content);
        var version = _repository.Find(new("model", 5));

        await _repository.OverrideAsync("model", content);

        Assert.Same(version, _repository.Find(new("model", 5)));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"max_batch_size\": \"many\"}")]
    public async Task An_override_that_cannot_be_served_says_why_and_changes_nothing(string configuration)
    {
        var before = _repository.Find(new("model", 1));

        var found = await _repository.OverrideAsync("model", new() { Configuration = configuration });

        Assert.NotEqual("", Assert.Single(found).Reason);
        Assert.Same(before, _repository.Find(new("model", 1)));
        Assert.NotNull(new FileModelRepository([_root.Path]).Find(new("model", 1)));
        Assert.DoesNotContain(Directory.GetDirectories(_root.Path, "*", SearchOption.AllDirectories), folder => folder.EndsWith("/model", StringComparison.Ordinal) && folder.Contains("overrides", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_override_of_which_no_version_can_be_loaded_says_why_and_changes_nothing()
    {
        var before = _repository.Find(new("model", 1));
        ModelOverride content = new()
        {
            Configuration = $"{{\"version_policy\": {{\"all\": {{}}}}, {Config.Trim()[1..]}",
            Files = [File("5/model.pt", "bad"), File("6/model.pt", "good")],
        };

        var found = await _repository.OverrideAsync("model", content, _ => Task.FromResult<string?>("it is damaged"));

        Assert.All(found, publication => Assert.Equal("it is damaged", publication.Reason));
        Assert.Same(before, _repository.Find(new("model", 1)));
        Assert.NotNull(new FileModelRepository([_root.Path]).Find(new("model", 1)));
        Assert.Empty(Directory.GetDirectories(Path.Combine(_root.Path, ".overrides")));

        await _repository.OverrideAsync("model", content, version => Task.FromResult(version.Id.Version == 5 ? "it is damaged" : null));

        Assert.Null(_repository.Find(new("model", 1)));
        Assert.NotNull(_repository.Find(new("model", 6)));
    }

    [Fact]
    public async Task What_a_process_has_left_that_was_killed_while_it_wrote_an_override_is_removed_by_a_later_one()
    {
        var (left, underWay) = (_root.Create(".overrides/left"), _root.Create(".overrides/under_way"));
        Directory.SetLastWriteTimeUtc(left, Directory.GetLastWriteTimeUtc(left).AddDays(-3));

        await _repository.OverrideAsync("model", new() { Configuration = Other });

        Assert.False(Directory.Exists(left));
        Assert.True(Directory.Exists(underWay));
    }

    [Fact]
    public async Task While_an_override_is_verified_others_can_be_read_again()
    {
        var verifying = new TaskCompletionSource<string?>();
        var overriding = _repository.OverrideAsync("model", new() { Configuration = Other }, _ => verifying.Task);

        Assert.Single(_repository.Refresh("model"));
        Assert.Equal(0, _repository.Find(new("model", 1))!.Config.MinInstances);
        verifying.SetResult(null);
        await overriding;

        Assert.Equal(7, _repository.Find(new("model", 1))!.Config.MinInstances);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("1/../../outside")]
    [InlineData("1/./model.pt")]
    [InlineData("/etc/passwd")]
    [InlineData("1//model.pt")]
    [InlineData("1\\model.pt")]
    [InlineData("C:/model.pt")]
    [InlineData("1/model.pt\0")]
    [InlineData("1/model.pt:stream")]
    [InlineData("1/..")]
    [InlineData("1/... ")]
    [InlineData("1/")]
    [InlineData("model.pt")]
    [InlineData("config.json")]
    [InlineData("01/model.pt")]
    [InlineData("latest/model.pt")]
    [InlineData("1/a/b/c/d/e/f/g/model.pt")]
    [InlineData("1/model.pt/weights.bin")]
    [InlineData("1/\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d")]
    [InlineData("")]
    public async Task A_file_that_could_lie_elsewhere_is_refused(string path)
    {
        var refusal = await Assert.ThrowsAsync<InferenceException>(
            () => _repository.OverrideAsync("model", new() { Configuration = Config, Files = [File("1/model.pt", "new"), File(path, "bad")] }));

        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Contains($"'file:{path}'", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_root.Path, ".overrides")));
    }

    [Fact]
    public async Task A_file_that_is_there_twice_or_more_files_than_a_model_may_have_are_refused()
    {
        await Assert.ThrowsAsync<InferenceException>(
            () => _repository.OverrideAsync("model", new() { Configuration = Config, Files = [File("1/model.pt", "a"), File("1/model.pt", "b")] }));
        var many = Enumerable.Range(0, ModelOverrides.MaxFiles + 1).Select(number => File($"1/{number}", "")).ToList();
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => _repository.OverrideAsync("model", new() { Configuration = Config, Files = many }));
        Assert.Contains("1001 files, but a model has 1000 at most", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_for_a_model_of_another_repository_lie_beside_that_models_own()
    {
        using var first = new TemporaryFolder();
        var repository = new FileModelRepository([first.Path, _root.Path]);

        Assert.Equal("", Assert.Single(await repository.OverrideAsync("model", new() { Configuration = Config, Files = [File("1/model.pt", "new")] })).Reason);

        var version = repository.Find(new("model", 1))!;
        Assert.Equal("new", System.IO.File.ReadAllText(version.ModelPath));
        Assert.Equal("a", System.IO.File.ReadAllText(Path.Combine(version.ModelFolder, "labels.txt")));
    }

    [Theory]
    [InlineData("model\n")]
    [InlineData("../model")]
    [InlineData("")]
    public async Task What_is_no_models_name_reaches_no_folder(string name)
    {
        Assert.Empty(await _repository.OverrideAsync(name, new() { Configuration = Config, Files = [File("1/model.pt", "new")] }));
        Assert.False(Directory.Exists(Path.Combine(_root.Path, ".overrides")));
    }

    [Fact]
    public async Task A_configuration_alone_makes_no_model()
    {
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => _repository.OverrideAsync("another", new() { Configuration = Config }));

        Assert.Contains("file:1/model.pt", refusal.Message, StringComparison.Ordinal);
    }

    private static ModelFile File(string path, string content) => new(path, System.Text.Encoding.UTF8.GetBytes(content));
}
