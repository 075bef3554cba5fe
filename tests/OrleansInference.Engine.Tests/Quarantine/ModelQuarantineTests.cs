using OrleansInference.Engine.Quarantine;

namespace OrleansInference.Engine.Tests.Quarantine;

public sealed class ModelQuarantineTests : IDisposable
{
    private readonly QuarantineFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(nameof(RunPhase.Load), "was being loaded")]
    [InlineData(nameof(RunPhase.FirstRun), "ran for the first time")]
    public void A_model_that_ends_the_process_before_it_has_ever_run_is_refused_at_once(string phase, string said)
    {
        var model = _folder.Add("model");

        _folder.End((model, Enum.Parse<RunPhase>(phase)));

        Assert.Equal(
            $"the model is in quarantine: the process has ended once with it, last before 2026-01-02 03:04:05Z while it {said}; " +
            "it is loaded again when its files change, or when that is asked for through the API",
            _folder.Refusal(model));
        Assert.Null(_folder.Refusal(_folder.Add("other")));
        Assert.Equal([$"The last process ended without having been asked to, while model@1 {said}."], _folder.Messages);
    }

    [Fact]
    public void A_model_that_runs_is_refused_at_the_third_end_within_an_hour()
    {
        var model = _folder.Add("model");

        for (var end = 1; end <= 3; end++)
        {
            _folder.End((model, RunPhase.LaterRun));
            Assert.Equal(end == 3, _folder.Refusal(model) is not null);
            _folder.Time.Advance(TimeSpan.FromMinutes(20));
        }

        Assert.Contains("has ended 3 times with it", _folder.Refusal(model), StringComparison.Ordinal);
        Assert.Contains("while it ran;", _folder.Refusal(model), StringComparison.Ordinal);
    }

    [Fact]
    public void Ends_that_are_an_hour_apart_are_no_reason()
    {
        var model = _folder.Add("model");

        for (var i = 0; i < 10; i++)
        {
            _folder.End((model, RunPhase.LaterRun));
            Assert.Null(_folder.Refusal(model));
            _folder.Time.Advance(TimeSpan.FromMinutes(30));
        }
    }

    [Fact]
    public void Of_two_models_that_were_loaded_at_the_same_time_neither_is_refused_before_it_happens_again()
    {
        var (one, two) = (_folder.Add("one"), _folder.Add("two"));

        _folder.End((one, RunPhase.Load), (two, RunPhase.Load));
        Assert.Null(_folder.Refusal(one));
        Assert.Null(_folder.Refusal(two));
        _folder.End((two, RunPhase.LaterRun), (one, RunPhase.Load));

        Assert.NotNull(_folder.Refusal(one));
        Assert.NotNull(_folder.Refusal(two));
    }

    [Fact]
    public void A_model_on_two_devices_ends_the_process_once()
    {
        var model = _folder.Add("model");

        for (var i = 0; i < 2; i++) _folder.End((model, RunPhase.LaterRun), (model, RunPhase.LaterRun));
        Assert.Null(_folder.Refusal(model));
        _folder.End((model, RunPhase.FirstRun), (model, RunPhase.LaterRun));

        Assert.Contains("3 times", _folder.Refusal(model), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_over_is_not_held_against_a_model()
    {
        var model = _folder.Add("model");
        using (var quarantine = _folder.Start())
        {
            var record = quarantine.RecordOf(model, QuarantineFolder.First)!;
            foreach (var phase in new[] { RunPhase.Load, RunPhase.FirstRun, RunPhase.LaterRun })
            {
                record.Enter(phase);
                record.Leave();
            }
        }

        Assert.Null(_folder.Refusal(model));
        Assert.Empty(_folder.Messages);
    }

    [Fact]
    public void A_model_stays_in_quarantine_until_its_files_change()
    {
        var model = _folder.Add("model");
        _folder.End((model, RunPhase.Load));
        _folder.Time.Advance(TimeSpan.FromDays(100));

        for (var i = 0; i < 3; i++) Assert.NotNull(_folder.Refusal(_folder.Open("model")));

        Assert.Null(_folder.Refusal(_folder.Add("model", "another content")));
    }

    [Fact]
    public void A_model_that_is_released_is_out_until_it_ends_the_process_again()
    {
        var model = _folder.Add("model");
        _folder.End((model, RunPhase.FirstRun));
        using (var quarantine = _folder.Start())
        {
            quarantine.Release(model);
            Assert.Null(quarantine.FindReason(model));
        }

        Assert.Null(_folder.Refusal(model));
        _folder.End((model, RunPhase.FirstRun));
        Assert.Contains("has ended once", _folder.Refusal(model), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_folder_cannot_be_made_there_is_a_warning_and_no_quarantine()
    {
        var model = _folder.Add("model");
        using var quarantine = _folder.Start(data: Path.Combine(model.ModelPath, "data"));

        Assert.Null(quarantine.RecordOf(model, QuarantineFolder.First));
        Assert.Null(quarantine.FindReason(model));
        quarantine.Release(model);
        Assert.Contains("Inference:Data", Assert.Single(_folder.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_silos_of_one_name_do_not_disturb_each_other()
    {
        var model = _folder.Add("model");
        _folder.End((model, RunPhase.Load));
        using var first = _folder.Start();
        _folder.Messages.Clear();

        using (var second = _folder.Start())
        {
            Assert.Contains("Inference:Data", Assert.Single(_folder.Messages), StringComparison.Ordinal);
            Assert.Null(second.RecordOf(model, QuarantineFolder.First));
            Assert.Null(second.FindReason(model));
        }

        Assert.NotNull(first.FindReason(model));
    }

    [Fact]
    public void Silos_of_other_names_share_the_folder()
    {
        var model = _folder.Add("model");
        _folder.End((model, RunPhase.Load));

        using var first = _folder.Start();
        using var second = _folder.Start("other");

        Assert.NotNull(first.FindReason(model));
        Assert.Null(second.FindReason(model));
        Assert.NotNull(second.RecordOf(model, QuarantineFolder.First));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""[{"model": null, "version": 1, "revision": "", "ends": []}]""")]
    [InlineData("""[{"model": "model", "version": 1, "revision": "", "ends": null}]""")]
    public void A_damaged_file_is_begun_anew(string content)
    {
        var model = _folder.Add("model");
        Directory.CreateDirectory(_folder.Data);
        File.WriteAllText(Path.Combine(_folder.Data, "silo.crashes.json"), content);

        _folder.End((model, RunPhase.Load));

        Assert.Contains("is begun anew", Assert.Single(_folder.Messages), StringComparison.Ordinal);
        Assert.NotNull(_folder.Refusal(model));
    }
}
