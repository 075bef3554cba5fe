using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

/// <summary>What is wrong with a folder before any of its files is looked into, and how the repository's index says so.</summary>
public sealed class FolderFaultTests : IDisposable
{
    private const string Config = PlainConfig.Text;

    private readonly TemporaryFolder _root = new();
    private readonly TemporaryFolder _outside = new();

    public void Dispose()
    {
        _root.Dispose();
        _outside.Dispose();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("01")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("latest")]
    [InlineData("v2")]
    [InlineData("99999999999")]
    public void A_folder_that_was_meant_to_be_a_version_is_named(string folder)
    {
        _root.Write("model/config.json", Config);
        _root.Write($"model/{folder}/model.pt", "");

        var publication = Assert.Single(Open().Publications);
        Assert.Equal($"the model has no version: a version's folder is named 1, 2, ... without leading zeros, not '{folder}'", publication.Reason);

        _root.Write("model/1/model.pt", "");
        publication = Assert.Single(Open().Publications);
        Assert.Equal(("", $"a version's folder is named 1, 2, ... without leading zeros, not '{folder}'"), (publication.Reason, publication.Notice));
    }

    [Fact]
    public void A_folder_of_anything_else_is_left_alone()
    {
        _root.Write("model/config.json", Config);
        _root.Write("model/1/model.pt", "");
        _root.Write("model/samples/7.png", "");

        Assert.Equal("", Assert.Single(Open().Publications).Notice);
    }

    [Theory]
    [InlineData("model.pth")]
    [InlineData("network.onnx")]
    public void A_file_of_another_name_is_named(string file)
    {
        _root.Write("model/config.json", Config);
        _root.Write($"model/1/{file}", "");

        var reason = Assert.Single(Open().Publications).Reason;

        Assert.Equal($"the file 1/model.pt is missing, though there is {file}: rename it, or name it in default_model_filename", reason);
    }

    [Theory]
    [InlineData("model")]
    [InlineData("model/1")]
    [InlineData("model/1/model.pt")]
    [InlineData("model/labels.txt")]
    public void A_link_that_leads_out_of_the_repository_is_not_followed(string link)
    {
        _outside.Write("1/model.pt", "");
        _outside.Write("config.json", Config);
        if (link != "model") _root.Write("model/config.json", Config);
        if (link == "model/labels.txt") _root.Write("model/1/model.pt", "");
        var place = Path.Combine(_root.Path, link);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        var target = link switch
        {
            "model" => _outside.Path,
            "model/1" => Path.Combine(_outside.Path, "1"),
            _ => Path.Combine(_outside.Path, "1", "model.pt"),
        };
        if (link is "model" or "model/1") Directory.CreateSymbolicLink(place, target);
        else File.CreateSymbolicLink(place, target);

        Assert.Equal($"the link '{link}' leads out of the repository", Assert.Single(Open().Publications).Reason);
    }

    [Fact]
    public void Links_within_the_repository_are_followed_and_found_to_change_with_what_they_lead_to()
    {
        _root.Write("model/config.json", Config);
        var target = _root.Write(".store/a.pt", "a");
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "1"));
        File.CreateSymbolicLink(Path.Combine(_root.Path, "model", "1", "model.pt"), "../../.store/a.pt");
        var repository = Open();
        Assert.Equal("", Assert.Single(repository.Publications).Reason);

        File.WriteAllText(target, "something else");

        Assert.True(repository.Scan());
    }

    [Fact]
    public async Task A_link_that_leads_out_of_the_repository_is_found_behind_another_one_too()
    {
        _root.Write("model/config.json", Config);
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "1"));
        File.CreateSymbolicLink(Path.Combine(_root.Path, "model", "1", "model.pt"), _outside.Write("model.pt", ""));
        _root.Write("other/config.json", Config);
        Directory.CreateSymbolicLink(Path.Combine(_root.Path, "other", "1"), "../model/1");
        var repository = Open();

        Assert.Equal("the link 'other/1/model.pt' leads out of the repository", repository.Publications[^1].Reason);

        // What is loaded with a configuration of someone's own links to the model's folders.
        var reason = Assert.Single(await repository.OverrideAsync("model", new() { Configuration = Config })).Reason;
        Assert.EndsWith("1/model.pt' leads out of the repository", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_a_circle_is_one_models_trouble()
    {
        _root.Write("model/config.json", Config);
        _root.Write("good/config.json", Config);
        _root.Write("good/1/model.pt", "");
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "1"));
        File.CreateSymbolicLink(Path.Combine(_root.Path, "model", "1", "model.pt"), "model.pt");

        var reasons = Open().Publications.ToDictionary(publication => publication.Id.Name, publication => publication.Reason);

        Assert.Equal("", reasons["good"]);
        Assert.Contains("links", reasons["model"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_that_cannot_be_read_is_one_models_trouble()
    {
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "config.json"));
        _root.Write("model/1/model.pt", "");
        _root.Write("good/config.json", Config);
        _root.Write("good/1/model.pt", "");

        var reasons = Open().Publications.ToDictionary(publication => publication.Id.Name, publication => publication.Reason);

        Assert.Equal("", reasons["good"]);
        Assert.NotEqual("", reasons["model"]);
    }

    private FileModelRepository Open() => new([_root.Path]);
}
