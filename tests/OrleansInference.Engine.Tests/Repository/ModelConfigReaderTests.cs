using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class ModelConfigReaderTests : IDisposable
{
    private const string Output = """ "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}] """;

    private const string Tensors = """ "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], """ + Output;

    private const string Iterates = "\"model_transaction_policy\": {\"decoupled\": true}, \"iteration\": ";

    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Batching_fields_arrive_where_they_belong()
    {
        var config = Sound(
            """
            "max_batch_size": 16,
            "dynamic_batching": {
              "preferred_batch_size": [8, 4], "max_queue_delay_microseconds": 500, "default_queue_policy": {"max_queue_size": 7}
            },
            "instance_group": [{"kind": "KIND_GPU", "gpus": [1]}],
            "version_policy": {"specific": {"versions": [2, 3]}},
            "parameters": {"owner": {"string_value": "us"}},
            """ + Tensors);

        Assert.Equal(16, config.MaxBatchSize);
        Assert.Equal([4, 8], config.Batching.PreferredBatchSizes);
        Assert.Equal(TimeSpan.FromMicroseconds(500), config.Batching.MaxQueueDelay);
        Assert.Equal(new QueuePolicy(7), config.Batching.DefaultPolicy);
        Assert.Equal([1], config.InstanceGroups[0].Indexes);
        Assert.Equal([2, 3], config.VersionPolicy.Specific);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("\"replicas\": \"all\",", 0)]
    [InlineData("\"replicas\": 3,", 3)]
    [InlineData("\"instance_group\": [{\"kind\": \"KIND_CPU\"}],", 0)]
    [InlineData("\"instance_group\": [{\"count\": 2}, {\"kind\": \"KIND_GPU\", \"count\": 3}],", 5)]
    public void A_model_has_replicas_on_all_devices_or_on_as_many_as_it_says(string fields, int replicas) =>
        Assert.Equal(replicas, Sound(fields + Tensors).Replicas);

    [Fact]
    public void How_replicas_follow_the_load_arrives_where_it_belongs()
    {
        var scaling = Sound("\"autoscaling\": {\"min_replicas\": 0, \"max_replicas\": 4, \"target_outstanding\": 2, \"target_queue_milliseconds\": 5, \"idle_seconds\": 60}," + Tensors).Autoscaling;

        Assert.Equal(new Autoscaling(0, 4) { TargetOutstanding = 2, TargetQueueTime = TimeSpan.FromMilliseconds(5), IdleTime = TimeSpan.FromMinutes(1) }, scaling);
        Assert.Null(Sound(Tensors).Autoscaling);
    }

    [Fact]
    public void How_a_model_answers_more_than_once_arrives_where_it_belongs()
    {
        var config = Sound(
            """
            "model_transaction_policy": {"decoupled": true},
            "iteration": {"feed_back": [{"output": "y", "input": "x"}], "stop": "done", "max_steps": 7},
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
            "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}, {"name": "done", "data_type": "TYPE_BOOL", "dims": [1]}]
            """);

        Assert.Equal([new("y", "x")], config.Iteration!.FeedBack);
        Assert.Equal(("done", 7), (config.Iteration.Stop, config.Iteration.MaxSteps));
        Assert.Null(Sound("\"model_transaction_policy\": {\"decoupled\": false}, " + Tensors).Iteration);
    }

    [Fact]
    public void However_many_tensors_there_are_their_mistakes_are_found_and_the_first_of_them_told()
    {
        const int Count = 200_000;
        var tensor = """{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}""";
        var folder = Path.GetDirectoryName(_repository.Write("model/config.json", $"{{\"input\": [{string.Join(',', Enumerable.Repeat(tensor, Count))}], {Output}}}"))!;
        _repository.Write("model/1/model.pt", "");

        Assert.Equal(Count - 1, ModelConfigReader.Read(folder, 1).Errors.Count);

        var reason = Assert.Single(new FileModelRepository([_repository.Path]).Publications).Reason;
        Assert.EndsWith($"input[100].name: 'x' is there twice; and {Count - 1 - 100} more mistakes", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_too_long_is_not_read()
    {
        _repository.Write("model/config.json", new string(' ', (16 << 20) + 1));
        _repository.Write("model/1/model.pt", "");

        Assert.Equal(
            "config.json: the file has 16777217 bytes, over the limit of 16777216", Assert.Single(new FileModelRepository([_repository.Path]).Publications).Reason);
    }

    [Fact]
    public void The_configuration_is_passed_on_as_plain_JSON_whatever_the_file_is_written_like()
    {
        var config = Sound("/* a comment */ \"max_batch_size\": 4, // and another\n " + Tensors + ",");

        using var json = System.Text.Json.JsonDocument.Parse(config.Json);
        Assert.Equal(4, json.RootElement.GetProperty("max_batch_size").GetInt32());
    }

    [Fact]
    public void Every_mistake_is_reported_with_its_path_and_value()
    {
        var errors = Errors(
            """
            "name": "other", "max_batch_size": -1, "max_batch": 3,
            "input": [{"name": "x", "data_type": "TYPE_FLOAT", "dims": [2, 0, "3"]}],
            "output": [{"data_type": "TYPE_FP32", "dims": [2]}, {"name": "y"}],
            "dynamic_batching": {"max_queue_delay_microseconds": "soon"}
            """);

        string[] expected =
        [
            "name: 'other'", "max_batch_size: -1", "max_batch: unknown", "input[0].data_type: \"TYPE_FLOAT\"", "input[0].dims[1]: 0",
            "input[0].dims[1]: \"3\"", "output[0].name: is missing", "output[1].data_type: is missing",
            "dynamic_batching.max_queue_delay_microseconds: \"soon\"",
        ];
        Assert.All(expected, part => Assert.Contains(errors, error => error.Contains(part, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("\"dynamic_batching\": {},", "contradicts max_batch_size 0")]
    [InlineData("\"max_batch_size\": 4, \"dynamic_batching\": {\"priority_levels\": 2},", "dynamic_batching.default_priority_level: 0 is not one of")]
    [InlineData("\"max_batch_size\": 4, \"dynamic_batching\": {\"priority_levels\": 2, \"default_priority_level\": 3},", "default_priority_level: 3")]
    [InlineData("\"model_transaction_policy\": {\"decoupled\": true},", "iteration: is missing")]
    [InlineData("\"model_transaction_policy\": {\"decoupled\": \"yes\"},", "model_transaction_policy.decoupled: \"yes\" is not true or false")]
    [InlineData("\"iteration\": {\"feed_back\": [{\"output\": \"y\", \"input\": \"x\"}]},", "needs model_transaction_policy.decoupled")]
    [InlineData("\"iteration\": {},", "iteration.feed_back: names no output")]
    [InlineData("\"iteration\": {\"max_steps\": 0},", "iteration.max_steps: 0")]
    [InlineData(Iterates + "{\"feed_back\": [{\"output\": \"z\", \"input\": \"x\"}]},", "no output 'z'")]
    [InlineData(Iterates + "{\"feed_back\": [{\"output\": \"y\", \"input\": \"z\"}]},", "no input 'z'")]
    [InlineData(Iterates + "{\"feed_back\": [{\"output\": \"y\", \"input\": \"x\"}], \"stop\": \"y\"},", "'y' is no output of TYPE_BOOL")]
    [InlineData(Iterates + "{\"feed_back\": [{\"output\": \"y\", \"input\": \"x\"}, {\"output\": \"y\", \"input\": \"x\"}]},", "fed back twice")]
    [InlineData("\"max_batch_size\": 4, \"dynamic_batching\": {\"preferred_batch_size\": [5]},", "5 is not an integer from 1 to 4")]
    [InlineData("\"version_policy\": {\"latest\": {}, \"all\": {}},", "exactly one")]
    [InlineData("\"instance_group\": [{\"count\": 0}],", "instance_group[0].count: 0 is not an integer from 1 to 1024")]
    [InlineData("\"instance_group\": [{\"count\": 2}], \"replicas\": 3,", "replicas: contradicts the count of instance_group")]
    [InlineData("\"replicas\": \"some\",", "replicas: \"some\" is not an integer from 1 to 1024, or \"all\"")]
    [InlineData("\"replicas\": 0,", "replicas: 0 is not an integer")]
    [InlineData("\"autoscaling\": {\"min_replicas\": 3, \"max_replicas\": 2},", "autoscaling.min_replicas: 3 is more than max_replicas, 2")]
    [InlineData("\"autoscaling\": {}, \"replicas\": 2,", "autoscaling.max_replicas: contradicts replicas")]
    [InlineData("\"autoscaling\": {\"target\": 1},", "autoscaling.target: unknown")]
    [InlineData("\"autoscaling\": {\"idle_seconds\": 0},", "autoscaling.idle_seconds: 0 is not an integer from 1")]
    [InlineData("\"instance_group\": [{\"kind\": \"KIND_CPU\", \"gpus\": [0]}],", "contradicts kind KIND_CPU")]
    [InlineData("\"platform\": \"tensorflow\",", "pytorch_libtorch")]
    [InlineData("\"default_model_filename\": \"../model.pt\",", "plain file name")]
    [InlineData("\"sequence_batching\": {},", "is not supported")]
    public void A_contradiction_is_named(string field, string expected) =>
        Assert.Contains(Errors(field + Tensors), error => error.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("{\"max_batch_size\": 1, \"max_batch_size\": 2}")]
    [InlineData("{\"max_batch_size\": ")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"name\": \"\\ud800\"}")]
    [InlineData("{\"\\ud800\": 1}")]
    public void A_file_that_is_no_proper_json_is_an_error_and_no_crash(string text) => Assert.NotEmpty(Read(text).Errors);

    [Fact]
    public void A_missing_file_says_what_to_write()
    {
        Directory.CreateDirectory(Path.Combine(_repository.Path, "bare"));

        var (config, errors) = ModelConfigReader.Read(Path.Combine(_repository.Path, "bare"), 1);

        Assert.Null(config);
        Assert.Contains("max_batch_size, input and output", errors[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Strings_reach_a_torchscript_network_only_through_preprocessing()
    {
        var errors = Errors(
            """
            "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}],
            "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}]
            """);

        Assert.Contains(errors, error => error.Contains("'text': pytorch_libtorch has no tensors of TYPE_STRING", StringComparison.Ordinal));
    }

    [Fact]
    public void Labels_must_be_as_many_as_the_elements_they_name()
    {
        _repository.Write("model/labels.txt", "a\nb\nc\n");

        var errors = Errors(
            """
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
            "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2], "label_filename": "labels.txt"}]
            """);

        Assert.Contains(errors, error => error.Contains("has 3 lines, but the output has 2 elements", StringComparison.Ordinal));
    }

    private ModelConfig Sound(string fields)
    {
        var (config, errors) = Read($"{{{fields}}}");
        Assert.Empty(errors);
        return config!;
    }

    private IReadOnlyList<string> Errors(string fields)
    {
        var (config, errors) = Read($"{{{fields}}}");
        Assert.Null(config);
        return errors;
    }

    private (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string text)
    {
        _repository.Write("model/config.json", text);
        return ModelConfigReader.Read(Path.Combine(_repository.Path, "model"), 1);
    }
}
