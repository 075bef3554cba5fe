using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class RepositoryScanTests : IDisposable
{
    private const string Config = PlainConfig.Text;

    private readonly TemporaryFolder _root = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FileModelRepository _repository;

    public RepositoryScanTests()
    {
        AddModel("model", 1);
        _repository = new([_root.Path], time: _time);
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Nothing_is_read_again_while_nothing_changes()
    {
        var changed = _repository.Changed;

        Assert.False(_repository.Scan());
        Assert.False(changed.IsCompleted);
    }

    [Fact]
    public void A_new_model_is_published_when_its_files_are_written()
    {
        AddModel("second", 1);

        Assert.True(_repository.Scan());
        Assert.Equal("its files are being written", Reason("second"));
        _time.Advance(FileModelRepository.SettleTime);
        var changed = _repository.Changed;
        Assert.False(_repository.Scan());

        Assert.True(changed.IsCompleted);
        Assert.NotNull(_repository.Find(new("second", 1)));
    }

    [Fact]
    public void A_file_that_goes_on_growing_is_not_read()
    {
        AddModel("second", 1);
        for (var written = 1; written <= 5; written++)
        {
            _root.Write("second/1/model.pt", new('x', written));
            Assert.True(_repository.Scan());
            _time.Advance(FileModelRepository.SettleTime);
        }

        Assert.Null(_repository.Find(new("second", 1)));
        Assert.Equal("its files are being written", Reason("second"));
        _repository.Scan();
        Assert.NotNull(_repository.Find(new("second", 1)));
    }

    [Fact]
    public void A_model_that_is_being_written_anew_answers_as_it_is_and_says_so()
    {
        var before = _repository.Find(new("model", 1));
        _root.Write("model/1/model.pt", "half");

        _repository.Scan();

        Assert.Same(before, _repository.Find(new("model", 1)));
        var publication = Assert.Single(_repository.Publications);
        Assert.Equal(("", "its files are being written"), (publication.Reason, publication.Notice));
        Settle();
        Assert.NotEqual(before!.Revision, _repository.Find(new("model", 1))!.Revision);
        Assert.Equal("", Assert.Single(_repository.Publications).Notice);
    }

    [Fact]
    public void A_change_that_is_taken_back_leaves_no_trace()
    {
        var extra = _root.Write("model/1/extra.bin", "x");
        _repository.Scan();
        File.Delete(extra);
        Directory.SetLastWriteTimeUtc(Path.Combine(_root.Path, "model", "1"), DateTime.UnixEpoch);

        Assert.False(_repository.Scan());

        Assert.Equal("", Assert.Single(_repository.Publications).Notice);
    }

    [Fact]
    public void A_new_version_takes_the_place_of_the_one_before()
    {
        AddModel("model", 2);

        Settle();

        Assert.Equal([new("model", 2)], _repository.Publications.Select(publication => publication.Id));
    }

    [Fact]
    public void A_new_version_without_its_file_leaves_the_one_before_in_its_place()
    {
        Directory.CreateDirectory(Path.Combine(_root.Path, "model", "2"));
        File.WriteAllText(Path.Combine(_root.Path, "model", "2", "readme.txt"), "soon");

        Settle();

        Assert.NotNull(_repository.Find(new("model", 1)));
        Assert.Equal(["", "the file 2/model.pt is missing, though there is readme.txt: rename it, or name it in default_model_filename"], Reasons());
    }

    [Fact]
    public void A_version_whose_file_is_gone_goes_on_as_it_was_loaded_and_says_why()
    {
        File.Delete(Path.Combine(_root.Path, "model", "1", "model.pt"));

        Settle();

        Assert.NotNull(_repository.Find(new("model", 1)));
        Assert.Contains("1/model.pt is missing", Assert.Single(_repository.Publications).Notice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_whose_folder_is_gone_is_published_no_more()
    {
        Directory.Delete(Path.Combine(_root.Path, "model"), recursive: true);

        _repository.Scan();
        Assert.NotNull(_repository.Find(new("model", 1)));
        _time.Advance(FileModelRepository.SettleTime);
        _repository.Scan();

        Assert.Empty(_repository.Publications);
        Assert.Null(_repository.Find(new("model", 1)));
    }

    [Fact]
    public void A_repository_that_cannot_be_reached_has_not_lost_its_models()
    {
        var elsewhere = $"{_root.Path}-moved";
        Directory.Move(_root.Path, elsewhere);

        Settle();

        Assert.NotNull(_repository.Find(new("model", 1)));
        Directory.Move(elsewhere, _root.Path);
    }

    [Fact]
    public void What_was_read_on_request_is_not_read_again()
    {
        AddModel("model", 2);
        _repository.Refresh("model");
        var read = _repository.Find(new("model", 2));

        Assert.False(_repository.Scan());

        Assert.Same(read, _repository.Find(new("model", 2)));
    }

    [Fact]
    public void In_an_explicit_repository_only_the_named_models_are_loaded_without_being_asked_for()
    {
        AddModel("named", 1);
        var options = new EngineOptions { ModelControlMode = ModelControlMode.Explicit, LoadModels = ["named"] };

        var triggers = new FileModelRepository([_root.Path], options.IsLoadedByItself).Publications.ToDictionary(
            publication => publication.Id.Name, publication => publication.Trigger);

        Assert.Equal(LoadTrigger.Publication, triggers["named"]);
        Assert.Equal(LoadTrigger.Command, triggers["model"]);
        Assert.True(new EngineOptions { ModelControlMode = ModelControlMode.Explicit, LoadModels = ["*"] }.IsLoadedByItself("model"));
    }

    private void Settle()
    {
        Assert.True(_repository.Scan() || !Directory.Exists(_root.Path));
        _time.Advance(FileModelRepository.SettleTime);
        _repository.Scan();
    }

    private string Reason(string model) => _repository.Publications.Single(publication => publication.Id.Name == model).Reason;

    private IEnumerable<string> Reasons() => _repository.Publications.Select(publication => publication.Reason);

    private void AddModel(string name, int version)
    {
        _root.Write($"{name}/config.json", Config);
        _root.Write($"{name}/{version}/model.pt", "");
    }
}
