using System.Collections.Concurrent;

using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests.Verification;

public sealed class RememberingVerifierTests : IDisposable
{
    private const string Config =
        """{"max_batch_size": 4, "input": [{"name":"x","data_type":"TYPE_FP32","dims":[2]}], "output": [{"name":"y","data_type":"TYPE_FP32","dims":[2]}]}""";

    private static readonly ModelVerification Sound = ModelVerification.Sound(1);

    private readonly TemporaryFolder _repository = new();
    private readonly ScriptedVerifier _script = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task What_has_passed_is_not_verified_again_under_any_name()
    {
        var verifier = new RememberingVerifier(_script);

        foreach (var name in new[] { "one", "one", "two" }) Assert.Null((await verifier.VerifyAsync(Add(name, "same"), default)).Reason);

        Assert.Equal(["one"], _script.Verified);
    }

    [Fact]
    public async Task Links_that_lead_round_and_round_in_a_versions_folder_have_an_end()
    {
        var verifier = new RememberingVerifier(_script);
        var version = Add("one", "same");
        foreach (var link in new[] { "a", "b" }) Directory.CreateSymbolicLink(Path.Combine(version.ModelFolder, "1", link), ".");

        for (var time = 0; time < 2; time++) Assert.NotEmpty((await verifier.VerifyAsync(version, default)).Checksum);

        Assert.Equal(["one"], _script.Verified);
    }

    [Fact]
    public async Task Weights_behind_a_link_count()
    {
        var verifier = new RememberingVerifier(_script);
        var checksums = new HashSet<string>();
        foreach (var weights in new[] { "this", "that" })
        {
            var version = Add(weights, "same");
            _repository.Write($".store/{weights}/weights.bin", weights);
            Directory.CreateSymbolicLink(Path.Combine(version.ModelFolder, "1", "more"), $"../../.store/{weights}");
            checksums.Add((await verifier.VerifyAsync(version, default)).Checksum);
        }

        Assert.Equal(2, checksums.Count);
    }

    [Fact]
    public async Task Another_archive_is_verified_for_itself()
    {
        var verifier = new RememberingVerifier(_script);

        await verifier.VerifyAsync(Add("one", "this"), default);
        await verifier.VerifyAsync(Add("two", "that"), default);

        Assert.Equal(["one", "two"], _script.Verified);
    }

    [Fact]
    public async Task Other_files_beside_the_archive_make_it_another()
    {
        var verifier = new RememberingVerifier(_script);
        foreach (var (name, weights) in new[] { ("one", "this"), ("two", "that"), ("three", "this") })
        {
            _repository.Write($"{name}/1/weights.bin", weights);
            await verifier.VerifyAsync(Add(name, "same"), default);
        }

        Assert.Equal(["one", "two"], _script.Verified);
    }

    [Theory]
    [InlineData("\"max_batch_size\": 4", "\"max_batch_size\": 8")]
    [InlineData("\"x\"", "\"z\"")]
    [InlineData("\"y\"", "\"z\"")]
    [InlineData("TYPE_FP32", "TYPE_FP64")]
    [InlineData("[2]", "[3]")]
    public async Task The_same_archive_with_another_signature_is_verified_for_itself(string here, string there)
    {
        var verifier = new RememberingVerifier(_script);

        await verifier.VerifyAsync(Add("one", "same"), default);
        await verifier.VerifyAsync(Add("two", "same", Config.Replace(here, there, StringComparison.Ordinal)), default);

        Assert.Equal(["one", "two"], _script.Verified);
    }

    [Theory]
    [InlineData("row.bin", "12345678", "12345678", 1)]
    [InlineData("row.bin", "12345678", "87654321", 2)]
    [InlineData("other.bin", "12345678", "12345678", 2)]
    public async Task Other_samples_for_the_warm_up_are_verified_for_themselves(string file, string here, string there, int verified)
    {
        var verifier = new RememberingVerifier(_script);
        foreach (var (name, sample, content) in new[] { ("one", "row.bin", here), ("two", file, there) })
        {
            _repository.Write($"{name}/warmup/{sample}", content);
            var warmup = $$"""{"model_warmup": [{"name": "s", "inputs": {"x": {"data_type": "TYPE_FP32", "dims": [2], "input_data_file": "{{sample}}"} } }], """;
            await verifier.VerifyAsync(Add(name, "same", warmup + Config[1..]), default);
        }

        Assert.Equal(verified, _script.Verified.Count);
    }

    [Fact]
    public async Task Loads_of_the_same_content_at_the_same_time_verify_it_once()
    {
        var verifier = new RememberingVerifier(_script);
        var passing = new TaskCompletionSource<ModelVerification>();
        _script.Answer = (_, _) => passing.Task;

        var loads = Enumerable.Range(0, 20).Select(number => verifier.VerifyAsync(Add($"model{number}", "same"), default)).ToArray();
        passing.SetResult(Sound);

        Assert.All(await Task.WhenAll(loads), verification => Assert.Null(verification.Reason));
        Assert.Single(_script.Verified);
    }

    [Fact]
    public async Task What_fails_is_verified_again_and_gives_each_its_own_reason()
    {
        var verifier = new RememberingVerifier(_script);
        _script.Answer = (version, _) => Task.FromResult(ModelVerification.Broken($"{version.Id.Name} is broken"));

        var loads = new[] { "one", "two" }.Select(name => verifier.VerifyAsync(Add(name, "same"), default)).ToArray();

        Assert.Equal(["one is broken", "two is broken"], (await Task.WhenAll(loads)).Select(verification => verification.Reason).OfType<string>());
    }

    [Fact]
    public async Task Where_a_load_is_given_up_the_next_one_verifies()
    {
        var verifier = new RememberingVerifier(_script);
        using var givenUp = new CancellationTokenSource();
        _script.Answer = async (version, token) =>
        {
            if (version.Id.Name == "first") await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            return Sound;
        };
        var first = verifier.VerifyAsync(Add("first", "same"), givenUp.Token);
        await _script.StartedAsync();
        var second = verifier.VerifyAsync(Add("second", "same"), default);

        await givenUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Null((await second).Reason);
        Assert.Equal(["first", "second"], _script.Verified);
    }

    [Fact]
    public async Task Whoever_waits_for_another_load_can_give_up()
    {
        var verifier = new RememberingVerifier(_script);
        using var givenUp = new CancellationTokenSource();
        var passing = new TaskCompletionSource<ModelVerification>();
        _script.Answer = (_, _) => passing.Task;
        var first = verifier.VerifyAsync(Add("first", "same"), default);
        await _script.StartedAsync();
        var second = verifier.VerifyAsync(Add("second", "same"), givenUp.Token);

        await givenUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        passing.SetResult(Sound);
        Assert.Null((await first).Reason);
    }

    [Fact]
    public async Task Beyond_the_bound_the_oldest_is_forgotten()
    {
        var verifier = new RememberingVerifier(_script, capacity: 2);

        foreach (var content in new[] { "a", "b" }) await verifier.VerifyAsync(Add(content, content), default);
        foreach (var content in new[] { "a", "b" }) await verifier.VerifyAsync(Add(content, content), default);
        Assert.Equal(["a", "b"], _script.Verified);

        foreach (var content in new[] { "c", "b", "c", "a" }) await verifier.VerifyAsync(Add(content, content), default);
        Assert.Equal(["a", "b", "c", "a"], _script.Verified);
    }

    [Fact]
    public async Task An_archive_that_changes_while_it_is_verified_has_not_passed()
    {
        var verifier = new RememberingVerifier(_script);
        var version = Add("model", "before");
        _script.Answer = (_, _) =>
        {
            _repository.Write("model/1/model.pt", "after");
            return Task.FromResult(Sound);
        };

        await verifier.VerifyAsync(version, default);
        await verifier.VerifyAsync(Add("model", "before"), default);

        Assert.Equal(["model", "model"], _script.Verified);
    }

    [Fact]
    public async Task What_is_wrong_with_a_file_that_cannot_be_read_the_verifier_says()
    {
        var version = Add("model", "gone");
        File.Delete(version.ModelPath);
        _script.Answer = (_, _) => Task.FromResult(ModelVerification.Broken("there is no such file"));

        Assert.Equal("there is no such file", (await new RememberingVerifier(_script).VerifyAsync(version, default)).Reason);
    }

    [Fact]
    public async Task What_was_found_out_is_remembered_with_the_checksum_of_the_files()
    {
        var verifier = new RememberingVerifier(_script);
        _script.Answer = (_, _) => Task.FromResult(ModelVerification.Sound(4321));
        var expected = ModelVerification.Sound(4321) with { Checksum = VersionChecksum.Compute(Add("one", "same")) };

        Assert.Equal(expected, await verifier.VerifyAsync(Add("one", "same"), default));
        Assert.Equal(expected, await verifier.VerifyAsync(Add("two", "same"), default));
        Assert.Single(_script.Verified);
    }

    [Fact]
    public async Task A_model_that_fails_has_its_checksum_too()
    {
        var version = Add("one", "same");
        _script.Answer = (_, _) => Task.FromResult(ModelVerification.Broken("it is broken"));

        var verification = await new RememberingVerifier(_script).VerifyAsync(version, default);

        Assert.Equal(("it is broken", VersionChecksum.Compute(version)), (verification.Reason, verification.Checksum));
    }

    [Fact]
    public void A_checksum_is_that_of_contents_and_names()
    {
        var one = VersionChecksum.Compute(Add("one", "same"));
        Assert.Matches("^[0-9a-f]{64}$", one);
        Assert.Equal(one, VersionChecksum.Compute(Add("two", "same")));
        Assert.NotEqual(one, VersionChecksum.Compute(Add("three", "other")));

        _repository.Write("one/1/weights.bin", "weights");
        var withWeights = VersionChecksum.Compute(Add("one", "same"));
        _repository.Write("two/1/renamed.bin", "weights");

        Assert.NotEqual(one, withWeights);
        Assert.NotEqual(withWeights, VersionChecksum.Compute(Add("two", "same")));
    }

    private ModelVersion Add(string name, string content, string config = Config)
    {
        _repository.Write($"{name}/config.json", config);
        _repository.Write($"{name}/1/model.pt", content);
        return ModelFolderReader.Open(Path.Combine(_repository.Path, name), 1);
    }

    private sealed class ScriptedVerifier : IModelVerifier
    {
        private readonly SemaphoreSlim _started = new(0);

        /// <summary>The names of the models, in the order in which they came.</summary>
        public ConcurrentQueue<string> Verified { get; } = [];

        public Func<ModelVersion, CancellationToken, Task<ModelVerification>> Answer { get; set; } = (_, _) => Task.FromResult(Sound);

        /// <summary>Waits until one more verification has begun.</summary>
        public Task StartedAsync() => _started.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        public Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
        {
            Verified.Enqueue(version.Id.Name);
            _started.Release();
            return Answer(version, cancellationToken);
        }
    }
}
