using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class FileModelRepositoryTests : IDisposable
{
    private const string Config = PlainConfig.Text;

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void By_default_the_highest_version_is_published()
    {
        AddModel("model", "1", "2", "10");

        Assert.Equal([new("model", 10)], Open().Publications.Select(publication => publication.Id));
    }

    [Theory]
    [InlineData("""{"latest": {"num_versions": 2}}""", new[] { 2, 10 })]
    [InlineData("""{"all": {}}""", new[] { 1, 2, 10 })]
    [InlineData("""{"specific": {"versions": [1, 7]}}""", new[] { 1 })]
    public void The_version_policy_chooses(string policy, int[] expected)
    {
        AddModel("model", "1", "2", "10");
        _root.Write("model/config.json", $"{{\"version_policy\": {policy}, {Config.Trim()[1..]}");

        Assert.Equal(expected, Open().Publications.Select(publication => publication.Id.Version));
    }

    [Fact]
    public void Folders_that_are_no_version_numbers_are_left_alone()
    {
        AddModel("model", "1", "0", "01", "latest", "-1", "samples", "2.5");

        Assert.Equal([new("model", 1)], Open().Publications.Select(publication => publication.Id));
    }

    [Fact]
    public void A_model_without_versions_is_listed_with_the_reason()
    {
        _root.Write("model/config.json", Config);

        var publication = Assert.Single(Open().Publications);

        Assert.Equal(new("model", 0), publication.Id);
        Assert.Contains("no version", publication.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ensemble_needs_neither_file_nor_version()
    {
        _root.Write("both/config.json", $$"""
            {"platform": "ensemble", "ensemble": {"members": [{"model_name": "a"}], "aggregate": "mean"}, {{Config.Trim()[1..]}}
            """);

        var repository = Open();

        Assert.Equal((new("both", 1), ""), (repository.Publications[0].Id, repository.Publications[0].Reason));
        Assert.NotNull(repository.Find(new("both", 1)));
    }

    [Fact]
    public void A_version_without_its_file_is_listed_with_the_reason()
    {
        _root.Write("model/config.json", Config);
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "1"));

        var publication = Assert.Single(Open().Publications);

        Assert.Equal("the file 1/model.pt is missing", publication.Reason);
        Assert.Null(Open().Find(new("model", 1)));
    }

    [Fact]
    public void A_broken_configuration_leaves_its_neighbours_alone()
    {
        AddModel("good", "1");
        AddModel("bad", "3");
        _root.Write("bad/config.json", "{\"max_batch_size\": \"many\"}");

        var repository = Open();

        Assert.Equal([new("bad", 3), new("good", 1)], repository.Publications.Select(publication => publication.Id));
        Assert.Contains("max_batch_size: \"many\"", repository.Publications[0].Reason, StringComparison.Ordinal);
        Assert.NotNull(repository.Find(new("good", 1)));
    }

    [Fact]
    public void A_model_in_two_repositories_is_not_served_from_either()
    {
        using var second = new TemporaryFolder();
        AddModel("model", "1");
        second.Write("model/config.json", Config);

        var publication = Assert.Single(new FileModelRepository([_root.Path, second.Path]).Publications);

        Assert.Contains("more than one repository", publication.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_could_not_stand_in_a_key_is_refused()
    {
        AddModel("a@b", "1");

        Assert.Contains("no model name", Assert.Single(Open().Publications).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_a_model_again_finds_new_versions_and_keeps_what_has_not_changed()
    {
        AddModel("model", "1");
        _root.Write("model/config.json", $"{{\"version_policy\": {{\"all\": {{}}}}, {Config.Trim()[1..]}");
        var repository = Open();
        var first = repository.Find(new("model", 1));

        _root.Write("model/2/model.pt", "");
        var found = repository.Refresh("model");

        Assert.Equal([1, 2], found.Select(publication => publication.Id.Version));
        Assert.Same(first, repository.Find(new("model", 1)));
        Assert.NotNull(repository.Find(new("model", 2)));
    }

    [Theory]
    [InlineData("model/1/model.pt")]
    [InlineData("model/1/extra/weights.bin")]
    [InlineData("model/config.json")]
    [InlineData("model/labels.txt")]
    public void Reading_a_model_again_after_any_of_its_files_has_changed_gives_another_version_object(string file)
    {
        AddModel("model", "1");
        var repository = Open();
        var before = repository.Find(new("model", 1));

        _root.Write(file, $"{Config} ");
        repository.Refresh("model");

        Assert.NotSame(before, repository.Find(new("model", 1)));
    }

    [Fact]
    public void A_model_that_has_become_broken_stays_as_it_was_and_the_reason_is_told()
    {
        AddModel("model", "1");
        var repository = Open();

        _root.Write("model/config.json", "{");
        var found = repository.Refresh("model");

        Assert.Contains("config.json", Assert.Single(found).Reason, StringComparison.Ordinal);
        Assert.Empty(Assert.Single(repository.Publications).Reason);
        Assert.NotNull(repository.Find(new("model", 1)));
    }

    [Fact]
    public void A_model_whose_folder_is_gone_stays_as_it_was_and_nothing_is_found()
    {
        AddModel("model", "1");
        var repository = Open();

        Directory.Delete(Path.Combine(_root.Path, "model"), recursive: true);

        Assert.Empty(repository.Refresh("model"));
        Assert.NotNull(repository.Find(new("model", 1)));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("model/1")]
    [InlineData("no\0name")]
    public void What_is_no_model_name_reaches_no_folder(string name)
    {
        AddModel("model", "1");
        var repository = new FileModelRepository([_root.Path, Path.Combine(_root.Path, "model")]);

        Assert.Empty(repository.Refresh(name));
    }

    [Fact]
    public void What_may_be_sent_preprocessed_is_told_unless_its_name_could_mean_either()
    {
        AddModel("model", "1");
        _root.Write(
            "model/config.json",
            """
            {
              "max_batch_size": 2,
              "input": [
                {"name": "age", "data_type": "TYPE_INT32", "dims": [1]}, {"name": "x", "data_type": "TYPE_FP32", "dims": [1]},
                {"name": "height", "data_type": "TYPE_FP32", "dims": [1]}
              ],
              "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
              "preprocessing": [
                {"output": "table", "columns": [{"input": "height"}, {"input": "age"}]}, {"output": "x", "columns": [{"input": "x"}]}
              ]
            }
            """);

        var descriptor = Assert.Single(Open().Publications).Descriptor!;

        Assert.True(descriptor.HasProcessing);
        var preprocessed = Assert.Single(descriptor.Preprocessed);
        Assert.Equal(["height", "age"], preprocessed.Inputs);
        Assert.Equal(("table", -1, 2), (preprocessed.Network[0].Name, preprocessed.Network[0].Shape[0], preprocessed.Network[0].Shape[1]));
    }

    [Fact]
    public void A_tokenizer_is_read_once_for_all_versions_and_again_when_its_file_has_changed()
    {
        AddModel("model", "1", "2");
        _root.Write("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
        _root.Write(
            "model/config.json",
            """
            {
              "max_batch_size": 2, "version_policy": {"all": {}},
              "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}],
              "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
              "preprocessing": [
                {"input": "text", "input_ids": "ids", "tokenizer": {"kind": "wordpiece", "file": "vocab.txt", "max_length": 8}}
              ]
            }
            """);
        var repository = Open();
        var first = TokenizerOf(1);

        repository.Refresh("model");
        Assert.Same(first, TokenizerOf(1));
        Assert.Same(first, TokenizerOf(2));
        _root.Write("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nmore\n");
        repository.Refresh("model");
        Assert.NotSame(first, TokenizerOf(1));

        object TokenizerOf(int version) =>
            Assert.IsType<TextPreprocessing>(repository.Find(new("model", version))!.Config.Preprocessing[0]).Vocabulary.Tokenizer;
    }

    private FileModelRepository Open() => new([_root.Path]);

    private void AddModel(string name, params string[] versions)
    {
        _root.Write($"{name}/config.json", Config);
        foreach (var version in versions) _root.Write($"{name}/{version}/model.pt", "");
    }
}
